//! Map types by their number: `enum bpf_map_type` of linux/bpf.h.

const NAMES: &str = "\
    unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace \
    cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap \
    cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue stack \
    sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter \
    user_ringbuf cgrp_storage arena insn_array";

/// The name of a map type; its number where it has none here.
pub fn map_type_name(number: u32) -> String {
    let name = usize::try_from(number)
        .ok()
        .and_then(|index| NAMES.split(' ').nth(index));
    name.map_or_else(|| format!("type {number}"), str::to_owned)
}
