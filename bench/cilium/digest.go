package main

import (
	"encoding/binary"
	"fmt"
)

// digest is the number of c/digest.c, where it is explained.
type digest struct {
	sum                            uint64
	programs, instructions, failed int
}

func (d *digest) String() string {
	return fmt.Sprintf("%016x %d %d %d", d.sum, d.programs, d.instructions, d.failed)
}

const (
	ldImm64, call          = 0x18, 0x85
	exit, jump, longJump   = 0x95, 0x05, 0x06
	mapFD, mapValue, btfID = 1, 2, 3
	function               = 4
	callFunction, callKfun = 1, 2
	imm                    = 0xffff_ffff_0000_0000
	off                    = 0x0000_0000_ffff_0000
)

func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// comparable leaves out what only a loader fills, and distances between functions.
func comparable(insn, before uint64) uint64 {
	source, wideSource := insn>>12&15, before>>12&15
	switch {
	case before&255 == ldImm64 && (wideSource == mapFD || wideSource == btfID):
		return insn &^ imm
	case before&255 == ldImm64:
		return insn
	case insn&255 == ldImm64 && (source == mapFD || source == mapValue || source == function):
		return insn &^ imm
	case insn&255 == call && source == callFunction:
		return insn &^ imm
	case insn&255 == call && source == callKfun:
		return insn &^ off
	}
	return insn
}

func endsFunction(insn uint64) bool {
	code := insn & 255
	return code == exit || code == jump || code == longJump
}

// add takes one program's final instructions.
func (d *digest) add(stream []byte) {
	sum := uint64(len(stream) / 8)
	var rawBefore, before uint64
	for at := 0; at+8 <= len(stream); at += 8 {
		raw := binary.LittleEndian.Uint64(stream[at:])
		insn := comparable(raw, rawBefore)
		sum += mixed(insn + 1)
		if !endsFunction(before) {
			sum += mixed(before*3 ^ insn)
		}
		before = insn
		if rawBefore&255 == ldImm64 {
			rawBefore = 0 // the second half has no opcode of its own
		} else {
			rawBefore = raw
		}
	}
	d.sum += mixed(sum)
	d.programs++
	d.instructions += len(stream) / 8
}
