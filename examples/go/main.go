// SPDX-License-Identifier: MIT OR Apache-2.0

// Links an object from many goroutines at once, and checks that each gets the
// streams that C got:
//
//	loader --dump OBJECT | go run . OBJECT
//	loader --dump --btf FILE OBJECT | go run . OBJECT FILE
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"example/bpflink"
)

const goroutines = 32

// readDump reads lines of a name and a stream in hex.
func readDump(in io.Reader) (map[string][]byte, error) {
	streams := map[string][]byte{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		stream, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", name, err)
		}
		streams[name] = stream
	}
	if len(streams) == 0 {
		return nil, errors.New("no streams on the standard input")
	}
	return streams, lines.Err()
}

// compare links the object and holds every stream to the expected one.
func compare(object *bpflink.Object, target *bpflink.Target, expected map[string][]byte) error {
	programs, err := object.Link(target)
	if err != nil {
		return err
	}
	if n := len(programs.All()); n != len(expected) {
		return fmt.Errorf("%d programs, C has %d", n, len(expected))
	}
	for name, stream := range expected {
		program := programs.Get(name)
		if program == nil {
			return fmt.Errorf("no program %s", name)
		}
		if !bytes.Equal(program.Instructions(), stream) {
			return fmt.Errorf("program %s: another stream than C's", name)
		}
	}
	return nil
}

// checkErrors looks at what a caller sees of a file that is not there, and of one that is no object.
func checkErrors() error {
	var failure *bpflink.Error
	if object, err := bpflink.Open("/nonexistent.bpf.o"); object != nil || !errors.As(err, &failure) ||
		!strings.Contains(failure.Message, "/nonexistent.bpf.o") {
		return fmt.Errorf("a missing file: %v", err)
	}
	if object, err := bpflink.OpenBytes([]byte("no ELF")); object != nil || err == nil {
		return errors.New("bytes that are no ELF file were opened")
	}
	return nil
}

// kernel is the target that a BTF file describes; without one nil, the running kernel.
func kernel(paths []string) (*bpflink.Target, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	vmlinux, err := bpflink.ReadBTF(paths[0])
	if err != nil {
		return nil, err
	}
	return bpflink.NewTarget(vmlinux, "")
}

func run(path string, btf []string) error {
	expected, err := readDump(os.Stdin)
	if err != nil {
		return err
	}
	target, err := kernel(btf)
	if err != nil {
		return err
	}
	object, err := bpflink.Open(path)
	if err != nil {
		return err
	}
	results := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range results {
		all.Add(1)
		go func(result *error) {
			defer all.Done()
			*result = compare(object, target, expected)
		}(&results[i])
	}
	all.Wait()
	for _, err := range append(results, checkErrors()) {
		if err != nil {
			return err
		}
	}
	fmt.Printf("go: %d goroutines linked %d programs each, with the streams of C\n", goroutines, len(expected))
	return nil
}

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: loader --dump OBJECT | go run . OBJECT [BTF]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
