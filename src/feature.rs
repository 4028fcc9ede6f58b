//! What kernels support, as far as a link depends on it.

use std::fmt;

/// A kernel release: the numbers that decide what it supports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KernelRelease {
    /// 6 of 6.12.107.
    pub major: u16,
    /// 12 of 6.12.107.
    pub minor: u16,
    /// 107 of 6.12.107.
    pub patch: u16,
}

impl KernelRelease {
    /// A release by its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> KernelRelease {
        KernelRelease {
            major,
            minor,
            patch,
        }
    }

    /// Reads `5.10`, `5.10.0` or `6.12.107+deb13-cloud-amd64`: two or three numbers,
    /// then whatever the distribution adds.
    pub fn parse(text: &str) -> Option<KernelRelease> {
        let (major, rest) = leading_number(text.trim())?;
        let (minor, rest) = leading_number(rest.strip_prefix('.')?)?;
        let patch = match rest.strip_prefix('.').and_then(leading_number) {
            Some((patch, _)) => patch,
            // "5.10" and "5.10-rc1" have none; "5.10." and "5.10x" are no releases.
            None if rest.is_empty() || rest.starts_with(['-', '+']) => 0,
            None => return None,
        };
        Some(KernelRelease::new(major, minor, patch))
    }

    /// LINUX_VERSION_CODE, where a patch level over 255 counts as 255.
    pub fn code(self) -> u32 {
        u32::from(self.major) << 16
            | u32::from(self.minor & 0xff) << 8
            | u32::from(self.patch.min(255))
    }
}

impl fmt::Display for KernelRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn leading_number(text: &str) -> Option<(u16, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// One thing that kernels learned at some release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Feature {
    /// A program may have a name.
    ProgName,
    /// BPF_PROG_LOAD looks at expected_attach_type.
    ExpectedAttachType,
    /// BTF can be loaded at all.
    Btf,
    /// BTF_KIND_FUNC and FUNC_PROTO; func_info and line_info with them.
    BtfFunc,
    /// BTF_KIND_VAR and DATASEC.
    BtfDatasec,
    /// Instructions may refer to the value of an array map: global data.
    GlobalData,
    /// Array maps can be mapped into user space.
    ArrayMmap,
    /// bpf_probe_read_kernel, bpf_probe_read_user and their string variants.
    ProbeReadKernel,
    /// BTF_KIND_FUNC with a linkage other than static.
    BtfFuncGlobal,
    /// Modules have BTF.
    ModuleBtf,
    /// BTF_KIND_FLOAT.
    BtfFloat,
    /// bpf_get_attach_cookie for perf links.
    BpfCookie,
    /// BTF_KIND_DECL_TAG.
    BtfDeclTag,
    /// BTF_KIND_TYPE_TAG.
    BtfTypeTag,
    /// BTF_KIND_ENUM64, and the kind flag of BTF_KIND_ENUM.
    BtfEnum64,
    /// The declaration tag `arg:ctx`: a parameter of a global function is the context
    /// of the program, whatever its type.
    ArgCtxTag,
    /// Names of data sections may hold any printable character, `?` among them.
    BtfQmarkDatasec,
    /// A reference to the value of a map may lie 512 MiB and more behind its start:
    /// globals at the end of an arena.
    FarMapValue,
}

/// The name of each feature and the release that brought it, in the order of the enum.
/// The comment is the commit in Linus Torvalds' tree.
const TABLE: [(Feature, &str, u16, u16); 18] = [
    (Feature::ProgName, "prog_name", 4, 15), // cb4d2b3f03d8
    (Feature::ExpectedAttachType, "exp_attach_type", 4, 17), // 5e43f899b03a
    (Feature::Btf, "btf", 4, 18),            // f56a653c1fd1
    (Feature::BtfFunc, "btf_func", 5, 0),    // 2667a2626f4d, 838e96904ff3
    (Feature::BtfDatasec, "btf_datasec", 5, 2), // 1dc92851849c
    (Feature::GlobalData, "global_data", 5, 2), // d8eca5bbb2be
    (Feature::ArrayMmap, "array_mmap", 5, 5), // fc9702273e2e
    (Feature::ProbeReadKernel, "probe_read_kernel", 5, 5), // 6ae08ae3dea2
    (Feature::BtfFuncGlobal, "btf_func_global", 5, 6), // 51c39bb1d5d1
    (Feature::ModuleBtf, "module_btf", 5, 11), // 36e68442d1af
    (Feature::BtfFloat, "btf_float", 5, 13), // b1828f0b0482
    (Feature::BpfCookie, "bpf_cookie", 5, 15), // 82e6b1eee6a8
    (Feature::BtfDeclTag, "btf_decl_tag", 5, 16), // b5ea834dde6b
    (Feature::BtfTypeTag, "btf_type_tag", 5, 17), // 8c42d2fa4eea
    (Feature::BtfEnum64, "btf_enum64", 6, 0), // 6089fb325cf7
    (Feature::ArgCtxTag, "arg_ctx_tag", 6, 8), // 94e1c70a3452
    (Feature::BtfQmarkDatasec, "btf_qmark_datasec", 6, 9), // bd70a8fb7ca4
    (Feature::FarMapValue, "far_map_value", 7, 0), // 12a1fe6e12db
];

impl Feature {
    /// Every feature, oldest first.
    pub fn all() -> impl Iterator<Item = Feature> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static (Feature, &'static str, u16, u16) {
        // The order is under test.
        &TABLE[self as usize % TABLE.len()]
    }

    /// The name by which it is set and listed.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The feature of that name.
    pub fn by_name(name: &str) -> Option<Feature> {
        Feature::all().find(|feature| feature.name() == name)
    }

    /// The first release that has it.
    pub fn since(self) -> KernelRelease {
        let &(_, _, major, minor) = self.row();
        KernelRelease::new(major, minor, 0)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of features: what a kernel supports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Features(u32);

impl Features {
    /// Nothing beyond the oldest kernels.
    pub const NONE: Features = Features(0);

    /// All that is known here: the newest kernel.
    pub fn newest() -> Features {
        Feature::all().collect()
    }

    /// What a kernel of that release supports, nothing ported back.
    pub fn of_release(release: KernelRelease) -> Features {
        Feature::all().filter(|f| f.since() <= release).collect()
    }

    /// Whether `feature` is in the set.
    pub fn contains(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u32 != 0
    }

    /// The set with `feature` in it.
    pub fn with(self, feature: Feature) -> Features {
        Features(self.0 | 1 << feature as u32)
    }

    /// The set without `feature`.
    pub fn without(self, feature: Feature) -> Features {
        Features(self.0 & !(1 << feature as u32))
    }

    /// What is in either set.
    pub fn union(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    pub fn difference(self, other: Features) -> Features {
        Features(self.0 & !other.0)
    }

    /// The features in the set, oldest first.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::all().filter(move |&feature| self.contains(feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Features {
        features.into_iter().fold(Features::NONE, Features::with)
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_releases_as_kernels_spell_them() {
        for (text, release) in [
            ("5.10", (5, 10, 0)),
            ("5.10.0", (5, 10, 0)),
            ("5.10.0-32-cloud-amd64", (5, 10, 0)),
            ("6.12.107+deb13-cloud-amd64", (6, 12, 107)),
            ("7.0-rc3", (7, 0, 0)),
            ("4.19.325\n", (4, 19, 325)),
        ] {
            let (major, minor, patch) = release;
            let expected = KernelRelease::new(major, minor, patch);
            assert_eq!(KernelRelease::parse(text), Some(expected), "{text}");
        }
        for text in [
            "", "5", "five", "5.", "5.x", "5.10x", "5.10.", ".5.10", "99999.1",
        ] {
            assert_eq!(KernelRelease::parse(text), None, "{text:?}");
        }
        assert_eq!(KernelRelease::new(5, 10, 3).code(), 0x05_0a_03);
        assert_eq!(KernelRelease::new(4, 19, 325).code(), 0x04_13_ff);
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_of_time() {
        for (index, feature) in Feature::all().enumerate() {
            assert_eq!(feature as usize, index, "{feature}");
            assert_eq!(Feature::by_name(feature.name()), Some(feature));
        }
        assert!(Feature::all().is_sorted_by_key(Feature::since));
        assert_eq!(Feature::all().last(), Some(Feature::FarMapValue));
    }

    #[test]
    fn a_release_decides() {
        let old = Features::of_release(KernelRelease::new(5, 4, 300));
        assert!(old.contains(Feature::BtfDatasec) && !old.contains(Feature::ProbeReadKernel));
        let debian11 = Features::of_release(KernelRelease::new(5, 10, 0));
        assert!(debian11.contains(Feature::BtfFuncGlobal));
        assert!(!debian11.contains(Feature::BtfFloat));
        assert_eq!(
            Features::of_release(KernelRelease::new(7, 1, 0)),
            Features::newest()
        );
        let set = Features::NONE.with(Feature::Btf).with(Feature::BtfFunc);
        let set = set.without(Feature::Btf);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Feature::BtfFunc]);
    }
}
