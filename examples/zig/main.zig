// SPDX-License-Identifier: MIT OR Apache-2.0

//! Links an object for the running kernel, or for that of a BTF file, and prints
//! the name and the stream of each program as `loader --dump` of ../c does:
//!
//!     zig build-exe main.zig -lc $(pkg-config --cflags --libs bpflink)
//!     ./main OBJECT [BTF] | cmp - <(loader --dump [--btf BTF] OBJECT)

const std = @import("std");
const c = @cImport({
    @cInclude("bpflink.h");
    @cInclude("stdio.h");
});

const Failure = error{Bpflink};

/// Tells of a failure in the library's words, and frees them.
fn check(status: c.bpflink_status, err: ?*c.bpflink_error) Failure!void {
    defer c.bpflink_error_free(err);
    if (status == c.BPFLINK_OK) return;
    std.debug.print("{s}\n", .{c.bpflink_error_message(err)});
    return error.Bpflink;
}

/// A struct that begins with its size, all else zero.
fn sized(comptime T: type) T {
    var value = std.mem.zeroes(T);
    value.size = @sizeOf(T);
    return value;
}

fn open(path: [*:0]const u8) Failure!*c.bpflink_object {
    var object: ?*c.bpflink_object = null;
    var err: ?*c.bpflink_error = null;
    const status = c.bpflink_object_from_file(path, null, &object, &err);
    try check(status, err);
    return object.?;
}

/// The kernel that a BTF file describes.
fn describe(path: [*:0]const u8) Failure!*c.bpflink_target {
    var btf: ?*c.bpflink_btf = null;
    var target: ?*c.bpflink_target = null;
    var err: ?*c.bpflink_error = null;
    var status = c.bpflink_btf_from_file(path, null, &btf, &err);
    try check(status, err);
    // The target keeps what it needs of it.
    defer c.bpflink_btf_free(btf);
    var options = sized(c.bpflink_target_options);
    options.vmlinux = btf;
    status = c.bpflink_target_new(&options, &target, &err);
    try check(status, err);
    return target.?;
}

fn link(object: *c.bpflink_object, target: ?*c.bpflink_target) Failure!*c.bpflink_programs {
    var programs: ?*c.bpflink_programs = null;
    var err: ?*c.bpflink_error = null;
    const status = c.bpflink_link(object, target, null, &programs, &err);
    try check(status, err);
    return programs.?;
}

/// A program's final stream, as bytes.
fn stream(info: *const c.bpflink_program_info) []const u8 {
    const bytes: [*]const u8 = @ptrCast(info.insns);
    return bytes[0 .. info.insn_count * 8];
}

fn print(programs: *c.bpflink_programs) Failure!void {
    for (0..c.bpflink_programs_count(programs)) |i| {
        var info = sized(c.bpflink_program_info);
        try check(c.bpflink_programs_get(programs, i, &info), null);
        _ = c.printf("%s ", info.name);
        for (stream(&info)) |byte| _ = c.printf("%02x", @as(c_uint, byte));
        _ = c.printf("\n");
    }
}

pub fn main() u8 {
    const arguments = std.os.argv;
    if (arguments.len < 2 or arguments.len > 3) {
        std.debug.print("usage: main OBJECT [BTF]\n", .{});
        return 2;
    }
    run(arguments[1], if (arguments.len == 3) arguments[2] else null) catch return 1;
    return 0;
}

fn run(path: [*:0]const u8, btf: ?[*:0]const u8) Failure!void {
    const object = try open(path);
    defer c.bpflink_object_free(object);
    const target: ?*c.bpflink_target = if (btf) |file| try describe(file) else null;
    defer c.bpflink_target_free(target);
    const programs = try link(object, target);
    defer c.bpflink_programs_free(programs);
    try print(programs);
}
