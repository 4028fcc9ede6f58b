// cilium-link OBJ [--btf [NAME=]FILE]... prints what cilium/ebpf would hand to
// bpf(2), as JSON lines, without a kernel; --serve: of many objects, one after the other.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cilium/ebpf"
)

type program struct {
	Program   string                 `json:"program"`
	Section   string                 `json:"section"`
	Insns     int                    `json:"insns"`
	Bytes     string                 `json:"bytes"`
	Functions []ebpf.WitnessFunction `json:"functions"`
	Refs      []ebpf.WitnessRef      `json:"refs"`
	Lines     [][4]any               `json:"lines,omitempty"`
}

type failure struct {
	Program *string `json:"program"`
	Section string  `json:"section,omitempty"`
	Error   string  `json:"error"`
}

type mapLine struct {
	Map        string  `json:"map"`
	Type       uint32  `json:"type"`
	KeySize    uint32  `json:"key_size"`
	ValueSize  uint32  `json:"value_size"`
	MaxEntries uint32  `json:"max_entries"`
	Flags      uint32  `json:"flags"`
	Initial    *string `json:"initial,omitempty"`
}

type printer struct {
	json   *json.Encoder
	failed bool
	lines  bool
}

func (p *printer) print(line any) {
	if err := p.json.Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, "cilium-link:", err)
		os.Exit(2)
	}
}

func (p *printer) fail(line failure) {
	p.failed = true
	p.print(line)
}

// status is 1 where anything failed.
func (p *printer) status() int {
	if p.failed {
		return 1
	}
	return 0
}

func (p *printer) maps(spec *ebpf.CollectionSpec) {
	for _, name := range slices.Sorted(maps.Keys(spec.Maps)) {
		m := spec.Maps[name]
		line := mapLine{name, uint32(m.Type), m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, nil}
		if len(m.Contents) == 1 {
			if contents, ok := m.Contents[0].Value.([]byte); ok {
				text := hex.EncodeToString(contents)
				line.Initial = &text
			}
		}
		p.print(line)
	}
}

func (p *printer) program(name string, spec *ebpf.ProgramSpec, target ebpf.WitnessTarget) {
	// A defect of the library in one program must not hide the others.
	defer func() {
		if cause := recover(); cause != nil {
			p.fail(failure{&name, spec.SectionName, fmt.Sprint("panic: ", cause)})
		}
	}()
	linked, err := ebpf.WitnessLink(spec, target)
	if err != nil {
		p.fail(failure{&name, spec.SectionName, err.Error()})
		return
	}
	line := program{
		Program: name, Section: spec.SectionName,
		Insns: len(linked.Bytes) / 8, Bytes: hex.EncodeToString(linked.Bytes),
		Functions: linked.Functions, Refs: linked.Refs,
	}
	if p.lines {
		line.Lines = linked.Lines
	}
	p.print(line)
}

// link prints what comes of one object; a library that panics has failed it.
func link(p *printer, path string, target ebpf.WitnessTarget) {
	defer func() {
		if cause := recover(); cause != nil {
			p.fail(failure{Error: fmt.Sprint("panic: ", cause)})
		}
	}()
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		p.fail(failure{Error: err.Error()})
		return
	}
	p.maps(spec)
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		p.program(name, spec.Programs[name], target)
	}
}

// serve links the objects that stdin names, one a line; after each a line with the
// status. The target is read once.
func serve(options *options, target ebpf.WitnessTarget) error {
	out := bufio.NewWriter(os.Stdout)
	paths := bufio.NewScanner(os.Stdin)
	for paths.Scan() {
		p := &printer{json: json.NewEncoder(out), lines: options.lines}
		link(p, paths.Text(), target)
		fmt.Fprintf(out, "{\"end\":%d}\n", p.status())
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return paths.Err()
}

func run(options *options, path string) (status int, err error) {
	target, err := options.target()
	if err != nil {
		return 2, err
	}
	if options.serve {
		return 0, serve(options, target)
	}
	out := bufio.NewWriter(os.Stdout)
	p := &printer{json: json.NewEncoder(out), lines: options.lines}
	link(p, path, target)
	return p.status(), out.Flush()
}

func main() {
	options := &options{}
	path := options.parse(os.Args[1:])
	if (path == "") != options.serve {
		flag.Usage()
		os.Exit(2)
	}
	status, err := run(options, path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cilium-link:", err)
		status = 2
	}
	os.Exit(status)
}
