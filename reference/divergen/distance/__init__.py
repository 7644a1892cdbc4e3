"""Part I: how far apart are two measures? Kernels, the distance they define, and the measures it compares."""
