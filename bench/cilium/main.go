// cilium/ebpf, measured: see bench/c/runner.h.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cilium:", err)
		os.Exit(3)
	}
}

// target is the running kernel, or that of a BTF file. The library keeps the former by
// itself once it is loaded.
func target(path string) *btf.Cache {
	if path == "" || path == "/sys/kernel/btf/vmlinux" {
		return btf.NewCache()
	}
	spec, err := btf.LoadSpec(path)
	must(err)
	return btf.NewCacheFor(spec, nil)
}

func link(spec *ebpf.CollectionSpec, cache *btf.Cache, d *digest) error {
	for _, program := range spec.Programs {
		linked, err := ebpf.BenchLink(program, cache)
		if err != nil {
			return err
		}
		if d != nil {
			d.add(linked.Instructions)
		}
	}
	return nil
}

func linkBytes(object []byte, cache *btf.Cache, d *digest) error {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return err
	}
	return link(spec, cache, d)
}

// once is a link in a process of its own.
func once(how, path, kernel string) {
	var d digest
	cache := target(kernel)
	spec, err := ebpf.LoadCollectionSpec(path)
	must(err)
	must(link(spec, cache, &d))
	fmt.Println(&d)
	if how == "memory" {
		tellMemory()
	}
	os.Exit(0)
}

func tellMemory() {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "Rss") {
			fmt.Println(line)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Printf("VmAllocated: %d kB\n", memory.TotalAlloc/1024)
}

type server struct {
	cache *btf.Cache
	files map[string][]byte
}

func (s *server) load(paths []string) [][]byte {
	var objects [][]byte
	for _, path := range paths {
		if s.files[path] == nil {
			object, err := os.ReadFile(path)
			must(err)
			s.files[path] = object
		}
		objects = append(objects, s.files[path])
	}
	return objects
}

func (s *server) link(objects [][]byte, times, first int) {
	for range times {
		for i := range objects {
			must(linkBytes(objects[(first+i)%len(objects)], s.cache, nil))
		}
	}
}

func (s *server) threads(objects [][]byte, threads, times int) {
	var all sync.WaitGroup
	for t := range threads {
		all.Go(func() { s.link(objects, times, t*len(objects)/threads) })
	}
	all.Wait()
}

func processTime() time.Duration {
	var at unix.Timespec
	must(unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &at))
	return time.Duration(at.Nano())
}

// timed prints the nanoseconds that passed, and those that this process ran.
func timed(work func()) {
	start, before := time.Now(), processTime()
	work()
	wall, cpu := time.Since(start), processTime()-before
	fmt.Println(wall.Nanoseconds(), cpu.Nanoseconds())
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	must(err)
	return n
}

func (s *server) answer(words []string) {
	switch words[0] {
	case "digest":
		var d digest
		if linkBytes(s.load(words[1:])[0], s.cache, &d) != nil {
			d.failed++
		}
		fmt.Println(&d)
	case "link":
		objects := s.load(words[2:])
		timed(func() { s.link(objects, number(words[1]), 0) })
	case "threads":
		objects := s.load(words[3:])
		timed(func() { s.threads(objects, number(words[1]), number(words[2])) })
	case "kernels":
		object := s.load(words[1:2])[0]
		timed(func() {
			for _, kernel := range words[2:] {
				must(linkBytes(object, target(kernel), nil))
			}
		})
	}
}

func main() {
	args := append(os.Args[1:], "", "", "")
	switch args[0] {
	case "cold", "memory":
		once(args[0], args[1], args[2])
	case "serve":
		s := server{target(args[1]), make(map[string][]byte)}
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			s.answer(strings.Fields(lines.Text()))
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: cilium cold|memory OBJ [BTF] | serve [BTF]")
		os.Exit(2)
	}
}
