# The freestanding code that runs inside other tasks: parasite/<name>-blob -> a C array.
