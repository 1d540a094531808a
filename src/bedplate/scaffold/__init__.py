"""The files of a new resource: what `bedplate add resource` writes, and takes away again."""
