package ebpf

import (
	"bytes"
	"debug/elf"
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/internal"
)

// WitnessFunction is where a function starts in the final stream.
type WitnessFunction struct {
	Name string `json:"name"`
	Insn int    `json:"insn"`
}

// WitnessRef is a name that an instruction stands for.
type WitnessRef struct {
	Insn   int    `json:"insn"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Offset uint32 `json:"offset"`
}

// WitnessProgram is what would be handed to bpf(2).
type WitnessProgram struct {
	Bytes     []byte
	Functions []WitnessFunction
	Refs      []WitnessRef
	Lines     [][4]any
}

// WitnessTarget is the kernel that is linked for.
type WitnessTarget struct {
	Cache *btf.Cache
	// Symbols is nil for the running kernel.
	Symbols map[string]uint64
}

// A kernel that has every helper: the probe would ask this machine's.
func init() {
	haveProbeReadKernel = func() error { return nil }
}

// WitnessLink does what newProgramWithOptions does up to the system call, in
// the same order and with the same functions. Maps stay references.
func WitnessLink(spec *ProgramSpec, target WitnessTarget) (*WitnessProgram, error) {
	insns := make(asm.Instructions, len(spec.Instructions))
	copy(insns, spec.Instructions)
	bo := spec.ByteOrder
	if bo == nil {
		bo = internal.NativeEndian
	}

	var b btf.Builder
	if err := applyRelocations(insns, bo, &b, target.Cache, nil, nil); err != nil {
		return nil, fmt.Errorf("apply CO-RE relocations: %w", err)
	}
	if _, _, err := btf.MarshalExtInfos(insns, &b); err != nil {
		return nil, fmt.Errorf("marshal ext_infos: %w", err)
	}
	witnessKconfig(insns)
	if err := witnessKsyms(insns, target.Symbols); err != nil {
		return nil, fmt.Errorf("resolve .ksyms: %w", err)
	}
	for iter := insns.Iterate(); iter.Next(); {
		fixupProbeReadKernel(iter.Ins)
	}
	modules, err := fixupKfuncs(insns, target.Cache)
	if err != nil {
		return nil, fmt.Errorf("fixing up kfuncs: %w", err)
	}
	modules.Close()

	out := witnessDescribe(insns)
	var buf bytes.Buffer
	if err := insns.Marshal(&buf, bo); err != nil {
		return nil, err
	}
	out.Bytes = buf.Bytes()
	return out, nil
}

// resolveKconfigReferences without its map: only the offset is in the stream.
func witnessKconfig(insns asm.Instructions) {
	for iter := insns.Iterate(); iter.Next(); {
		meta, _ := iter.Ins.Metadata.Get(kconfigMetaKey{}).(*kconfigMeta)
		if meta != nil {
			iter.Ins.Constant = int64(uint64(meta.Offset) << 32)
		}
	}
}

// With a target given, its symbols stand for /proc/kallsyms.
func witnessKsyms(insns asm.Instructions, symbols map[string]uint64) error {
	if symbols == nil {
		return resolveKsymReferences(insns)
	}
	for iter := insns.Iterate(); iter.Next(); {
		meta, _ := iter.Ins.Metadata.Get(ksymMetaKey{}).(*ksymMeta)
		if meta == nil {
			continue
		}
		address, found := symbols[meta.Name]
		if !found && meta.Binding != elf.STB_WEAK {
			return fmt.Errorf("kernel is missing symbol: %s", meta.Name)
		}
		iter.Ins.Constant = int64(address)
	}
	return nil
}

// witnessDescribe lists functions, references and lines, and clears what only
// a loader can fill.
func witnessDescribe(insns asm.Instructions) *WitnessProgram {
	out := &WitnessProgram{Functions: []WitnessFunction{}, Refs: []WitnessRef{}}
	for iter := insns.Iterate(); iter.Next(); {
		ins, at := iter.Ins, int(iter.Offset)
		if fn := btf.FuncMetadata(ins); fn != nil {
			out.Functions = append(out.Functions, WitnessFunction{fn.Name, at})
		}
		if line, ok := ins.Source().(*btf.Line); ok {
			out.Lines = append(out.Lines, [4]any{at, line.LineNumber(), line.LineColumn(), line.FileName()})
		}
		if ref, ok := witnessRef(ins); ok {
			ref.Insn = at
			out.Refs = append(out.Refs, ref)
		}
		if ins.IsLoadFromMap() {
			ins.Constant = int64(uint64(ins.Constant) >> 32 << 32)
		}
		if ins.IsKfuncCall() {
			ins.Offset = 0
		}
	}
	return out
}

func witnessRef(ins *asm.Instruction) (WitnessRef, bool) {
	kfunc, _ := ins.Metadata.Get(kfuncMetaKey{}).(*kfuncMeta)
	ksym, _ := ins.Metadata.Get(ksymMetaKey{}).(*ksymMeta)
	switch {
	case ins.IsLoadFromMap() && ins.Src == asm.PseudoMapFD:
		return WitnessRef{Kind: "map_fd", Name: ins.Reference()}, true
	case ins.IsLoadFromMap():
		name := ins.Reference()
		if ins.Metadata.Get(kconfigMetaKey{}) != nil {
			name = ".kconfig"
		}
		offset := uint32(uint64(ins.Constant) >> 32)
		return WitnessRef{Kind: "map_value", Name: name, Offset: offset}, true
	case kfunc != nil && ins.IsKfuncCall():
		return WitnessRef{Kind: "kfunc", Name: kfunc.Func.Name}, true
	case kfunc != nil && ins.OpCode.IsDWordLoad() && ins.Constant != 0:
		return WitnessRef{Kind: "btf_id", Name: kfunc.Func.Name}, true
	case ksym != nil && ins.Constant != 0:
		return WitnessRef{Kind: "ksym", Name: ksym.Name}, true
	}
	return WitnessRef{}, false
}
