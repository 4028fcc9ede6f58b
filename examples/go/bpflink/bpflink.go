// SPDX-License-Identifier: MIT OR Apache-2.0

// Package bpflink is a small binding of the C library: open an object, link it,
// take the instructions. pkg-config finds the installed library.
package bpflink

// #cgo pkg-config: bpflink
// #include <bpflink.h>
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Object is what a file says. Goroutines may share it.
type Object struct{ handle *C.bpflink_object }

// Programs are the linked programs of one object; for one goroutine at a time.
type Programs struct{ handle *C.bpflink_programs }

// Program is one of them. It keeps its set alive.
type Program struct {
	set   *Programs
	index C.size_t
}

// BTF describes the types of a kernel. Goroutines may share it.
type BTF struct{ handle *C.bpflink_btf }

// Target is a kernel to link for; nil is the running one. Goroutines may share it.
type Target struct{ handle *C.bpflink_target }

// Error is why a call failed, and where.
type Error struct {
	Status      uint32
	Message     string
	Program     string
	Section     string
	Instruction int64 // -1 where it is not about one
}

func (e *Error) Error() string { return e.Message }

// failure takes the library's error over into Go's memory.
func failure(status C.bpflink_status, err *C.bpflink_error) error {
	if status == C.BPFLINK_OK {
		return nil
	}
	defer C.bpflink_error_free(err)
	site := C.bpflink_site{size: C.sizeof_bpflink_site, insn: -1}
	C.bpflink_error_site(err, &site)
	return &Error{
		Status:      uint32(status),
		Message:     C.GoString(C.bpflink_error_message(err)),
		Program:     C.GoString(site.program),
		Section:     C.GoString(site.section),
		Instruction: int64(site.insn),
	}
}

// Open reads an object file.
func Open(path string) (*Object, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var handle *C.bpflink_object
	var err *C.bpflink_error
	status := C.bpflink_object_from_file(name, nil, &handle, &err)
	return newObject(handle), failure(status, err)
}

// OpenBytes reads an object that lies in memory.
func OpenBytes(data []byte) (*Object, error) {
	var handle *C.bpflink_object
	var err *C.bpflink_error
	status := C.bpflink_object_from_memory(unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)), nil, &handle, &err)
	runtime.KeepAlive(data)
	return newObject(handle), failure(status, err)
}

func newObject(handle *C.bpflink_object) *Object {
	if handle == nil {
		return nil
	}
	o := &Object{handle}
	runtime.SetFinalizer(o, func(o *Object) { C.bpflink_object_free(o.handle) })
	return o
}

// ReadBTF reads the BTF of a kernel from a file.
func ReadBTF(path string) (*BTF, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	b := &BTF{}
	var err *C.bpflink_error
	status := C.bpflink_btf_from_file(name, nil, &b.handle, &err)
	if status != C.BPFLINK_OK {
		return nil, failure(status, err)
	}
	runtime.SetFinalizer(b, func(b *BTF) { C.bpflink_btf_free(b.handle) })
	return b, nil
}

// NewTarget describes another kernel than the running one.
func NewTarget(vmlinux *BTF, release string) (*Target, error) {
	text := C.CString(release)
	defer C.free(unsafe.Pointer(text))
	options := C.bpflink_target_options{size: C.sizeof_bpflink_target_options, vmlinux: vmlinux.handle}
	if release != "" {
		options.release = text
	}
	t := &Target{}
	var err *C.bpflink_error
	status := C.bpflink_target_new(&options, &t.handle, &err)
	runtime.KeepAlive(vmlinux)
	if status != C.BPFLINK_OK {
		return nil, failure(status, err)
	}
	runtime.SetFinalizer(t, func(t *Target) { C.bpflink_target_free(t.handle) })
	return t, nil
}

// Link runs all stages; a nil target is the running kernel. Where only some
// programs cannot be linked, both the set and the first one's error are returned.
func (o *Object) Link(target *Target) (*Programs, error) {
	var handle *C.bpflink_programs
	var err *C.bpflink_error
	var kernel *C.bpflink_target
	if target != nil {
		kernel = target.handle
	}
	status := C.bpflink_link(o.handle, kernel, nil, &handle, &err)
	runtime.KeepAlive(o)
	runtime.KeepAlive(target)
	failed := failure(status, err)
	if handle == nil {
		return nil, failed
	}
	p := &Programs{handle}
	runtime.SetFinalizer(p, func(p *Programs) { C.bpflink_programs_free(p.handle) })
	return p, failed
}

// All gives the programs in their order.
func (p *Programs) All() []*Program {
	all := make([]*Program, C.bpflink_programs_count(p.handle))
	for i := range all {
		all[i] = &Program{p, C.size_t(i)}
	}
	return all
}

// Get gives the program of a name, or nil.
func (p *Programs) Get(name string) *Program {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	var index C.size_t
	if C.bpflink_programs_find(p.handle, text, &index) != C.BPFLINK_OK {
		return nil
	}
	return &Program{p, index}
}

func (p *Program) info() C.bpflink_program_info {
	info := C.bpflink_program_info{size: C.sizeof_bpflink_program_info}
	if status := C.bpflink_programs_get(p.set.handle, p.index, &info); status != C.BPFLINK_OK {
		panic(fmt.Sprintf("program %d: status %d", p.index, status))
	}
	return info
}

// Name is the name of the entry function.
func (p *Program) Name() string {
	defer runtime.KeepAlive(p.set)
	return C.GoString(p.info().name)
}

// Err says why the program cannot be linked; nil where it stands.
func (p *Program) Err() error {
	defer runtime.KeepAlive(p.set)
	if err := C.bpflink_program_error(p.set.handle, p.index); err != nil {
		return &Error{Status: uint32(C.bpflink_error_status(err)), Message: C.GoString(C.bpflink_error_message(err)), Instruction: -1}
	}
	return nil
}

// Instructions is the final stream, ready for bpf(2).
func (p *Program) Instructions() []byte {
	defer runtime.KeepAlive(p.set)
	info := p.info()
	return C.GoBytes(unsafe.Pointer(info.insns), C.int(info.insn_count)*8)
}
