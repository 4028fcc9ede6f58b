/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints size and offset of every field of every public struct; run.sh compares
 * with layout.txt. A field that is not printed here makes the sum of sizes wrong.
 */
#include <bpflink.h>
#include <stdio.h>

static size_t end;
static int gaps;

static void field(const char *name, size_t offset, size_t size)
{
	printf("  %-24s %3zu %zu\n", name, offset, size);
	gaps += offset != end;
	end = offset + size;
}

static void close_struct(const char *name, size_t size)
{
	gaps += end != size;
	if (end != size)
		printf("  %s: PADDING AT THE END, OR A FIELD LEFT OUT\n", name);
	end = 0;
}

#define BEGIN(type) printf(#type " %zu\n", sizeof(type))
#define FIELD(type, name) field(#name, offsetof(type, name), sizeof(((type *)0)->name))
#define END(type) close_struct(#type, sizeof(type))

static void site_layout(void)
{
	BEGIN(bpflink_site);
	FIELD(bpflink_site, size);
	FIELD(bpflink_site, object);
	FIELD(bpflink_site, program);
	FIELD(bpflink_site, section);
	FIELD(bpflink_site, symbol);
	FIELD(bpflink_site, file);
	FIELD(bpflink_site, insn);
	FIELD(bpflink_site, record);
	FIELD(bpflink_site, line);
	FIELD(bpflink_site, column);
	END(bpflink_site);
}

static void object_options_layout(void)
{
	BEGIN(bpflink_object_options);
	FIELD(bpflink_object_options, size);
	FIELD(bpflink_object_options, flags);
	FIELD(bpflink_object_options, name);
	FIELD(bpflink_object_options, log);
	FIELD(bpflink_object_options, log_context);
	END(bpflink_object_options);
}

static void object_info_layout(void)
{
	BEGIN(bpflink_object_info);
	FIELD(bpflink_object_info, size);
	FIELD(bpflink_object_info, name);
	FIELD(bpflink_object_info, license);
	FIELD(bpflink_object_info, btf);
	FIELD(bpflink_object_info, btf_size);
	FIELD(bpflink_object_info, map_count);
	FIELD(bpflink_object_info, extern_count);
	FIELD(bpflink_object_info, kernel_version);
	FIELD(bpflink_object_info, byte_order);
	END(bpflink_object_info);
}

static void extern_info_layout(void)
{
	BEGIN(bpflink_extern_info);
	FIELD(bpflink_extern_info, size);
	FIELD(bpflink_extern_info, name);
	FIELD(bpflink_extern_info, kind);
	FIELD(bpflink_extern_info, weak);
	FIELD(bpflink_extern_info, btf_id);
	FIELD(bpflink_extern_info, flags);
	END(bpflink_extern_info);
}

static void map_info_layout(void)
{
	BEGIN(bpflink_map_info);
	FIELD(bpflink_map_info, size);
	FIELD(bpflink_map_info, name);
	FIELD(bpflink_map_info, section);
	FIELD(bpflink_map_info, initial);
	FIELD(bpflink_map_info, initial_size);
	FIELD(bpflink_map_info, map_extra);
	FIELD(bpflink_map_info, origin);
	FIELD(bpflink_map_info, flags);
	FIELD(bpflink_map_info, type);
	FIELD(bpflink_map_info, key_size);
	FIELD(bpflink_map_info, value_size);
	FIELD(bpflink_map_info, max_entries);
	FIELD(bpflink_map_info, map_flags);
	FIELD(bpflink_map_info, numa_node);
	FIELD(bpflink_map_info, key_type_id);
	FIELD(bpflink_map_info, value_type_id);
	END(bpflink_map_info);
}

static void map_entry_layout(void)
{
	BEGIN(bpflink_map_entry);
	FIELD(bpflink_map_entry, size);
	FIELD(bpflink_map_entry, name);
	FIELD(bpflink_map_entry, key);
	FIELD(bpflink_map_entry, kind);
	END(bpflink_map_entry);
}

static void target_options_layout(void)
{
	BEGIN(bpflink_target_options);
	FIELD(bpflink_target_options, size);
	FIELD(bpflink_target_options, flags);
	FIELD(bpflink_target_options, vmlinux);
	FIELD(bpflink_target_options, modules);
	FIELD(bpflink_target_options, module_count);
	FIELD(bpflink_target_options, release);
	FIELD(bpflink_target_options, kconfig);
	FIELD(bpflink_target_options, kallsyms);
	FIELD(bpflink_target_options, features_added);
	FIELD(bpflink_target_options, features_removed);
	END(bpflink_target_options);
}

static void link_options_layout(void)
{
	BEGIN(bpflink_link_options);
	FIELD(bpflink_link_options, size);
	FIELD(bpflink_link_options, flags);
	FIELD(bpflink_link_options, programs);
	FIELD(bpflink_link_options, program_count);
	FIELD(bpflink_link_options, log);
	FIELD(bpflink_link_options, log_context);
	END(bpflink_link_options);
}

static void program_info_layout(void)
{
	BEGIN(bpflink_program_info);
	FIELD(bpflink_program_info, size);
	FIELD(bpflink_program_info, name);
	FIELD(bpflink_program_info, section);
	FIELD(bpflink_program_info, license);
	FIELD(bpflink_program_info, insns);
	FIELD(bpflink_program_info, insn_count);
	FIELD(bpflink_program_info, func_info);
	FIELD(bpflink_program_info, line_info);
	FIELD(bpflink_program_info, func_info_count);
	FIELD(bpflink_program_info, func_info_rec_size);
	FIELD(bpflink_program_info, line_info_count);
	FIELD(bpflink_program_info, line_info_rec_size);
	FIELD(bpflink_program_info, type);
	FIELD(bpflink_program_info, attach_type);
	FIELD(bpflink_program_info, load_flags);
	FIELD(bpflink_program_info, flags);
	FIELD(bpflink_program_info, kernel_version);
	FIELD(bpflink_program_info, status);
	END(bpflink_program_info);
}

static void function_info_layout(void)
{
	BEGIN(bpflink_function_info);
	FIELD(bpflink_function_info, size);
	FIELD(bpflink_function_info, name);
	FIELD(bpflink_function_info, insn);
	FIELD(bpflink_function_info, insn_count);
	END(bpflink_function_info);
}

static void reference_info_layout(void)
{
	BEGIN(bpflink_reference_info);
	FIELD(bpflink_reference_info, size);
	FIELD(bpflink_reference_info, name);
	FIELD(bpflink_reference_info, module);
	FIELD(bpflink_reference_info, offset);
	FIELD(bpflink_reference_info, insn);
	FIELD(bpflink_reference_info, kind);
	FIELD(bpflink_reference_info, resolved);
	FIELD(bpflink_reference_info, map);
	FIELD(bpflink_reference_info, type_id);
	FIELD(bpflink_reference_info, fd_array_index);
	END(bpflink_reference_info);
}

static void relocation_info_layout(void)
{
	BEGIN(bpflink_relocation_info);
	FIELD(bpflink_relocation_info, size);
	FIELD(bpflink_relocation_info, local);
	FIELD(bpflink_relocation_info, target);
	FIELD(bpflink_relocation_info, reason);
	FIELD(bpflink_relocation_info, old_value);
	FIELD(bpflink_relocation_info, new_value);
	FIELD(bpflink_relocation_info, insn);
	FIELD(bpflink_relocation_info, kind);
	FIELD(bpflink_relocation_info, outcome);
	FIELD(bpflink_relocation_info, flags);
	FIELD(bpflink_relocation_info, module);
	FIELD(bpflink_relocation_info, target_type_id);
	FIELD(bpflink_relocation_info, local_type_id);
	END(bpflink_relocation_info);
}

static void attach_info_layout(void)
{
	BEGIN(bpflink_attach_info);
	FIELD(bpflink_attach_info, size);
	FIELD(bpflink_attach_info, name);
	FIELD(bpflink_attach_info, category);
	FIELD(bpflink_attach_info, path);
	FIELD(bpflink_attach_info, module);
	FIELD(bpflink_attach_info, problem);
	FIELD(bpflink_attach_info, offset);
	FIELD(bpflink_attach_info, kind);
	FIELD(bpflink_attach_info, flags);
	FIELD(bpflink_attach_info, btf_id);
	FIELD(bpflink_attach_info, is_member);
	END(bpflink_attach_info);
}

static void struct_ops_info_layout(void)
{
	BEGIN(bpflink_struct_ops_info);
	FIELD(bpflink_struct_ops_info, size);
	FIELD(bpflink_struct_ops_info, name);
	FIELD(bpflink_struct_ops_info, section);
	FIELD(bpflink_struct_ops_info, local_type);
	FIELD(bpflink_struct_ops_info, kernel_type);
	FIELD(bpflink_struct_ops_info, module);
	FIELD(bpflink_struct_ops_info, value);
	FIELD(bpflink_struct_ops_info, value_size);
	FIELD(bpflink_struct_ops_info, member_count);
	FIELD(bpflink_struct_ops_info, flags);
	FIELD(bpflink_struct_ops_info, local_type_id);
	FIELD(bpflink_struct_ops_info, kernel_type_id);
	FIELD(bpflink_struct_ops_info, value_type_id);
	FIELD(bpflink_struct_ops_info, data_offset);
	FIELD(bpflink_struct_ops_info, status);
	END(bpflink_struct_ops_info);
}

static void struct_ops_member_layout(void)
{
	BEGIN(bpflink_struct_ops_member);
	FIELD(bpflink_struct_ops_member, size);
	FIELD(bpflink_struct_ops_member, name);
	FIELD(bpflink_struct_ops_member, program);
	FIELD(bpflink_struct_ops_member, local_size);
	FIELD(bpflink_struct_ops_member, kernel_size);
	FIELD(bpflink_struct_ops_member, local_offset);
	FIELD(bpflink_struct_ops_member, kernel_offset);
	FIELD(bpflink_struct_ops_member, kernel_index);
	FIELD(bpflink_struct_ops_member, in_kernel);
	END(bpflink_struct_ops_member);
}

static void jump_table_info_layout(void)
{
	BEGIN(bpflink_jump_table_info);
	FIELD(bpflink_jump_table_info, size);
	FIELD(bpflink_jump_table_info, name);
	FIELD(bpflink_jump_table_info, targets);
	FIELD(bpflink_jump_table_info, insns);
	FIELD(bpflink_jump_table_info, target_count);
	FIELD(bpflink_jump_table_info, insn_count);
	END(bpflink_jump_table_info);
}

static void stream_symbol_layout(void)
{
	BEGIN(bpflink_stream_symbol);
	FIELD(bpflink_stream_symbol, name);
	FIELD(bpflink_stream_symbol, flags);
	FIELD(bpflink_stream_symbol, insn);
	FIELD(bpflink_stream_symbol, insn_count);
	END(bpflink_stream_symbol);
}

static void stream_reference_layout(void)
{
	BEGIN(bpflink_stream_reference);
	FIELD(bpflink_stream_reference, name);
	FIELD(bpflink_stream_reference, addend);
	FIELD(bpflink_stream_reference, insn);
	FIELD(bpflink_stream_reference, flags);
	END(bpflink_stream_reference);
}

static void stream_core_relocation_layout(void)
{
	BEGIN(bpflink_stream_core_relocation);
	FIELD(bpflink_stream_core_relocation, insn);
	FIELD(bpflink_stream_core_relocation, type_id);
	FIELD(bpflink_stream_core_relocation, access);
	FIELD(bpflink_stream_core_relocation, kind);
	END(bpflink_stream_core_relocation);
}

static void stream_layout(void)
{
	BEGIN(bpflink_stream);
	FIELD(bpflink_stream, size);
	FIELD(bpflink_stream, flags);
	FIELD(bpflink_stream, section);
	FIELD(bpflink_stream, license);
	FIELD(bpflink_stream, insns);
	FIELD(bpflink_stream, insn_count);
	FIELD(bpflink_stream, symbols);
	FIELD(bpflink_stream, symbol_count);
	FIELD(bpflink_stream, references);
	FIELD(bpflink_stream, reference_count);
	FIELD(bpflink_stream, maps);
	FIELD(bpflink_stream, map_count);
	FIELD(bpflink_stream, core_relocations);
	FIELD(bpflink_stream, core_relocation_count);
	FIELD(bpflink_stream, btf);
	FIELD(bpflink_stream, byte_order);
	FIELD(bpflink_stream, kernel_version);
	END(bpflink_stream);
}

int main(void)
{
	site_layout();
	object_options_layout();
	object_info_layout();
	extern_info_layout();
	map_info_layout();
	map_entry_layout();
	target_options_layout();
	link_options_layout();
	program_info_layout();
	function_info_layout();
	reference_info_layout();
	relocation_info_layout();
	attach_info_layout();
	struct_ops_info_layout();
	struct_ops_member_layout();
	jump_table_info_layout();
	stream_symbol_layout();
	stream_reference_layout();
	stream_core_relocation_layout();
	stream_layout();
	return gaps != 0;
}
