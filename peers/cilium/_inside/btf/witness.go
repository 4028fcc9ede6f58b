package btf

import (
	"maps"
	"slices"
)

// NewCacheFor answers for a kernel that is given instead of looked up: its
// types, and those of its modules by name.
func NewCacheFor(kernel *Spec, modules map[string]*Spec) *Cache {
	names := slices.Sorted(maps.Keys(modules))
	if names == nil {
		// nil would mean "not looked up yet".
		names = []string{}
	}
	return &Cache{kernelTypes: kernel, moduleTypes: modules, loadedModules: names}
}
