// cilium-link OBJ [--btf [NAME=]FILE]... prints what cilium/ebpf would hand to
// bpf(2), as JSON lines, without a kernel.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
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

func link(path string, options *options) (failed bool, err error) {
	target, err := options.target()
	if err != nil {
		return false, err
	}
	out := bufio.NewWriter(os.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	p := &printer{json: json.NewEncoder(out), lines: options.lines}

	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		p.fail(failure{Error: err.Error()})
		return true, nil
	}
	p.maps(spec)
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		p.program(name, spec.Programs[name], target)
	}
	return p.failed, nil
}

func main() {
	options := &options{}
	path := options.parse(os.Args[1:])
	if path == "" {
		flag.Usage()
		os.Exit(2)
	}
	failed, err := link(path, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cilium-link:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}
