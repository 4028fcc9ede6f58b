package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// options is the command line; a list of BTF files makes the target offline.
type options struct {
	btf      []string
	kallsyms string
	lines    bool
	serve    bool
}

// parse accepts options before and after the object; "" means bad usage.
func (o *options) parse(args []string) string {
	set := flag.CommandLine
	set.Func("btf", "`[NAME=]FILE`: vmlinux first, then modules", func(s string) error {
		o.btf = append(o.btf, s)
		return nil
	})
	set.StringVar(&o.kallsyms, "kallsyms", "", "`FILE` of the target's symbols")
	set.BoolVar(&o.lines, "lines", false, "print line info")
	set.BoolVar(&o.serve, "serve", false, "the objects that stdin names, line by line")
	set.Bool("json", true, "the only output there is")
	set.String("release", "", "accepted; nothing in the stream depends on it")
	set.String("kconfig", "", "accepted; nothing in the stream depends on it")
	path := ""
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return ""
		}
		if args = set.Args(); len(args) == 0 {
			break
		}
		if path != "" {
			return ""
		}
		path, args = args[0], args[1:]
	}
	return path
}

func (o *options) target() (ebpf.WitnessTarget, error) {
	if len(o.btf) == 0 {
		return ebpf.WitnessTarget{Cache: btf.NewCache()}, nil
	}
	if err := forbidKernel(); err != nil {
		return ebpf.WitnessTarget{}, err
	}
	kernel, err := readBTF(o.btf[0], nil)
	if err != nil {
		return ebpf.WitnessTarget{}, err
	}
	modules := make(map[string]*btf.Spec)
	for _, arg := range o.btf[1:] {
		name, path, named := strings.Cut(arg, "=")
		if !named {
			path = arg
			name, _, _ = strings.Cut(filepath.Base(path), ".")
		}
		if modules[name], err = readBTF(path, kernel); err != nil {
			return ebpf.WitnessTarget{}, err
		}
	}
	symbols, err := readSymbols(o.kallsyms)
	return ebpf.WitnessTarget{Cache: btf.NewCacheFor(kernel, modules), Symbols: symbols}, err
}

// readBTF reads raw BTF, or the .BTF section of an ELF file.
func readBTF(path string, base *btf.Spec) (*btf.Spec, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte(elf.ELFMAG)) {
		if raw, err = section(raw, ".BTF"); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return spec, nil
}

func section(file []byte, name string) ([]byte, error) {
	parsed, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	found := parsed.Section(name)
	if found == nil {
		return nil, fmt.Errorf("no section %s", name)
	}
	return found.Data()
}

// readSymbols reads the format of /proc/kallsyms; no file, no symbols.
func readSymbols(path string) (map[string]uint64, error) {
	symbols := make(map[string]uint64)
	if path == "" {
		return symbols, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		address, err := strconv.ParseUint(fields[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		symbols[fields[2]] = address
	}
	return symbols, nil
}
