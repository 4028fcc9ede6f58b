package ebpf

import (
	"bytes"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/internal"
)

// BenchProgram is what would be handed to bpf(2).
type BenchProgram struct {
	Instructions, FuncInfo, LineInfo, BTF []byte
}

// BenchLink does what newProgramWithOptions does up to the system call, and nothing besides.
// It is told of a kernel that has every feature; maps stay references.
func BenchLink(spec *ProgramSpec, cache *btf.Cache) (out BenchProgram, _ error) {
	insns := make(asm.Instructions, len(spec.Instructions))
	copy(insns, spec.Instructions)
	var b btf.Builder
	if err := applyRelocations(insns, spec.ByteOrder, &b, cache, nil, nil); err != nil {
		return out, err
	}
	var err error
	if out.FuncInfo, out.LineInfo, err = btf.MarshalExtInfos(insns, &b); err != nil {
		return out, err
	}
	if !b.Empty() {
		options := &btf.MarshalOptions{Order: internal.NativeEndian}
		if out.BTF, err = b.Marshal(nil, options); err != nil {
			return out, err
		}
	}
	witnessKconfig(insns)
	if err := resolveKsymReferences(insns); err != nil {
		return out, err
	}
	for iter := insns.Iterate(); iter.Next(); {
		fixupProbeReadKernel(iter.Ins)
	}
	modules, err := fixupKfuncs(insns, cache)
	if err != nil {
		return out, err
	}
	modules.Close()
	buf := bytes.NewBuffer(make([]byte, 0, insns.Size()))
	if err := insns.Marshal(buf, internal.NativeEndian); err != nil {
		return out, err
	}
	out.Instructions = buf.Bytes()
	return out, nil
}
