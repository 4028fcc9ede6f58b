//! Maps as the object defines them.

use crate::btf::TypeId;
use crate::name::Name;

/// One map: of `.maps`, of the legacy `maps` section, or a data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The symbol's name; for a data section the section's own.
    pub name: Name,
    /// The section that defines it.
    pub section: Name,
    /// How it was defined.
    pub origin: MapOrigin,
    /// What BPF_MAP_CREATE needs.
    pub definition: MapDefinition,
    /// The first value's contents; of an arena its global variables. `None` for maps
    /// that start empty and for `.bss`, which is all zeros.
    pub initial: Option<Vec<u8>>,
    /// Whether its symbol is weak.
    pub weak: bool,
    /// Whether its symbol is hidden.
    pub hidden: bool,
}

impl Map {
    /// BPF_MAP_TYPE_ARENA.
    const ARENA: u32 = 33;

    /// Whether it is memory that programs and the loader share; its entries are pages.
    pub fn is_arena(&self) -> bool {
        self.definition.map_type == Map::ARENA
    }
}

/// How a map was defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// A variable of `.maps`, described by its BTF type.
    Btf,
    /// A `struct bpf_map_def` in the section `maps`.
    Legacy,
    /// `.data*`: read and written by programs.
    Data,
    /// `.rodata*`: frozen by the loader before programs are loaded.
    Rodata,
    /// `.bss*`: as `.data*`, all zeros.
    Bss,
    /// `.kconfig`: values of the kernel's configuration.
    Kconfig,
}

/// The attributes of a map.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MapDefinition {
    /// BPF_MAP_TYPE_*.
    pub map_type: u32,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Number of entries.
    pub max_entries: u32,
    /// BPF_F_* flags.
    pub flags: u32,
    /// The NUMA node, which counts where `flags` has BPF_F_NUMA_NODE.
    pub numa_node: u32,
    /// `map_extra`, whose meaning is the map type's.
    pub map_extra: u64,
    /// Whether the loader should pin it.
    pub pinning: Pinning,
    /// The BTF type of the key; 0 where there is none.
    pub key_type_id: TypeId,
    /// The BTF type of the value; for a data section its BTF_KIND_DATASEC; 0 where there is none.
    pub value_type_id: TypeId,
    /// The definition of the maps that this map of maps holds.
    pub inner: Option<Box<MapDefinition>>,
    /// What the loader puts into a map of maps or a program array: entry number and target.
    pub entries: Vec<(u32, MapEntry)>,
}

/// An initial entry of a map of maps or of a program array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapEntry {
    /// A map, by its index in the object.
    Map(u32),
    /// A program, by its address.
    Program(super::FunctionAddress),
}

/// LIBBPF_PIN_* of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pinning {
    /// Not pinned.
    #[default]
    None,
    /// Pinned by its name under the loader's directory.
    ByName,
}
