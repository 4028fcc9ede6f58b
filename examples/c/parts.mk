# The parts of the loader that other programs are built of, too (tests/core_table).
LOADER_PARTS := target link maps contents arena programs poison jump_tables modules struct_ops \
                attach many_probes user_probes usdt usdt_args elf_file sys
