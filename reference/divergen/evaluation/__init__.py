r"""Part IV: how good, how diverse?"""
