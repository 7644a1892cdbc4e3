"""Write the table anew."""

from . import MODULES, TABLE, judged, peers, row, text

if __name__ == "__main__":
    TABLE.write_text(text([row(peer, judged(peer)) for name in MODULES for peer in peers(name)]))
