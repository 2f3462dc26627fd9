package transform

// DecodeCanonical is for its comparison with the driver's parser.
var DecodeCanonical = decodeCanonical
