package embedded

// LockDir takes a folder's lock, and waits for so long.
var LockDir = lockDir

// Enough is what Open makes of the free space of a folder's disk, in bytes.
var Enough = enough
