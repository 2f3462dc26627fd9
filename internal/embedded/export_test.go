package embedded

// Enough is what Open makes of the free space of a folder's disk, in bytes.
var Enough = enough
