module siderolinkd.test/interop

go 1.26.8

require (
	github.com/siderolabs/siderolink v0.3.16 // indirect
	github.com/siderolabs/talos/pkg/machinery v1.13.0 // indirect
)
