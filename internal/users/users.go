// Package users is the user API (the role users): what viewers do becomes events in Kafka, and what they did is read from
// the store that persist keeps current.
//
//	gRPC: writes --> pseudonym, catalogue, limits --> regie.user.{favourite,progress} --> persist --> Store
//	      reads  <-- waits until persist has applied what they are not to be before <------------------/
package users

// Role is the role's name.
const Role = "users"
