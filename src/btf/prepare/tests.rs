//! Each step of the preparation, on BTF in both byte orders.

use super::*;
use crate::btf::testing::builder::*;
use crate::btf::testing::parse;
use crate::btf::{Kind, Linkage, SectionVar, TypeId};
use crate::feature::{Features, KernelRelease};

const EXTERN: u32 = 2;

fn for_release(b: &BtfBuilder, layout: &Layout, release: &str) -> Btf {
    let features = Features::of_release(KernelRelease::parse(release).unwrap());
    let bytes = prepare(&parse(b), layout, &|feature| features.contains(feature)).unwrap();
    let prepared = Btf::parse(bytes, None).unwrap();
    assert_eq!(prepared.endian(), parse(b).endian());
    prepared
}

fn newest(b: &BtfBuilder, layout: &Layout) -> Btf {
    for_release(b, layout, "99.0")
}

fn kind(btf: &Btf, id: TypeId) -> Kind {
    btf.type_by_id(id).unwrap().kind()
}

fn name(btf: &Btf, id: TypeId) -> String {
    String::from_utf8(btf.type_by_id(id).unwrap().name().unwrap().to_vec()).unwrap()
}

fn vars(btf: &Btf, id: TypeId) -> Vec<(TypeId, u32, u32)> {
    let tuple = |var: SectionVar| (var.type_id, var.offset, var.size);
    btf.type_by_id(id)
        .unwrap()
        .section_vars()
        .map(tuple)
        .collect()
}

#[test]
fn sections_get_size_and_order_and_hidden_variables_are_static() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        let int = b.int("int", 4, SIGNED);
        let late = b.var("late", int, GLOBAL);
        let secret = b.var("secret", int, GLOBAL);
        let local = b.var("local", int, STATIC);
        let data = b.datasec(".data", 0, &[(late, 0, 4), (secret, 0, 4), (local, 8, 4)]);
        let placed = b.var("placed", int, GLOBAL);
        let declared = b.var("declared", int, GLOBAL);
        let fixed = b.var("fixed", int, STATIC);
        let entries = [(declared, 0, 4), (placed, 0, 4), (fixed, 32, 4)];
        let linked = b.datasec(".bss", 64, &entries);
        let mut layout = Layout::new();
        layout.add_section(b".data", 16);
        layout.add_section(b".bss", 128);
        let variable = |offset, hidden| Variable { offset, hidden };
        layout.add_variable(b"late", variable(12, false));
        layout.add_variable(b"secret", variable(4, true));
        layout.add_variable(b"local", variable(99, true));
        layout.add_variable(b"declared", variable(48, false));
        layout.add_variable(b"placed", variable(0, false));
        layout.add_variable(b"fixed", variable(99, false));
        let btf = newest(&b, &layout);
        assert_eq!(btf.type_by_id(data).unwrap().size(), 16);
        assert_eq!(
            vars(&btf, data),
            [(secret, 4, 4), (local, 8, 4), (late, 12, 4)]
        );
        // What static linking has filled in stays, but for the places of variables that
        // another file declared: it leaves 0 there.
        assert_eq!(btf.type_by_id(linked).unwrap().size(), 64);
        let places = [(placed, 0, 4), (fixed, 32, 4), (declared, 48, 4)];
        assert_eq!(vars(&btf, linked), places);
        let linkage = |id| btf.type_by_id(id).unwrap().linkage();
        assert_eq!(linkage(late), Some(Linkage::Global));
        assert_eq!(linkage(secret), Some(Linkage::Static));
    }
}

#[test]
fn hidden_functions_are_static() {
    let mut b = BtfBuilder::new(Order::Little);
    let proto = b.func_proto(0, &[]);
    let hidden = b.func("hidden", proto, GLOBAL);
    let open = b.func("open", proto, GLOBAL);
    let mut layout = Layout::new();
    layout.add_hidden_function(b"hidden");
    let btf = newest(&b, &layout);
    assert_eq!(
        btf.type_by_id(hidden).unwrap().linkage(),
        Some(Linkage::Static)
    );
    assert_eq!(
        btf.type_by_id(open).unwrap().linkage(),
        Some(Linkage::Global)
    );
}

#[test]
fn kernel_symbols_become_integers_in_a_row() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        let long = b.int("long", 8, SIGNED);
        let proto = b.func_proto(long, &[("", long), ("given", long), ("", 0)]);
        let func = b.func("kfunc", proto, EXTERN);
        let var = b.var("runqueues", 0, EXTERN);
        let ksyms = b.datasec(".ksyms", 0, &[(var, 0, 0), (func, 0, 0)]);
        let count = b.next_id();
        let btf = newest(&b, &Layout::new());
        // There was no 4-byte integer: one came behind the types that were there, then the dummy.
        let (int, dummy) = (count, count + 1);
        assert_eq!(
            (kind(&btf, int), btf.type_by_id(int).unwrap().size()),
            (Kind::Int, 4)
        );
        assert_eq!(
            (kind(&btf, dummy), name(&btf, dummy)),
            (Kind::Var, "dummy_ksym".into())
        );
        assert_eq!(btf.type_by_id(dummy).unwrap().target(), int);
        assert_eq!(vars(&btf, ksyms), [(var, 0, 4), (dummy, 4, 4)]);
        assert_eq!(btf.type_by_id(ksyms).unwrap().size(), 8);
        let var = btf.type_by_id(var).unwrap();
        assert_eq!((var.linkage(), var.target()), (Some(Linkage::Global), int));
        assert_eq!(
            btf.type_by_id(func).unwrap().linkage(),
            Some(Linkage::Global)
        );
        let params: Vec<_> = btf.type_by_id(proto).unwrap().params().collect();
        let names: Vec<_> = params
            .iter()
            .map(|p| btf.string(p.name_off).unwrap())
            .collect();
        assert_eq!(names, [&b"dummy_ksym"[..], b"given", b""]);
    }
}

#[test]
fn configuration_values_get_places_by_alignment() {
    let mut b = BtfBuilder::new(Order::Little);
    let byte = b.int("char", 1, SIGNED);
    let long = b.int("unsigned long", 8, 0);
    let int = b.int("int", 4, SIGNED);
    let text = b.array(byte, int, 5);
    let flag = b.var("CONFIG_FLAG", byte, EXTERN);
    let string = b.var("CONFIG_TEXT", text, EXTERN);
    let version = b.var("LINUX_KERNEL_VERSION", int, EXTERN);
    let hz = b.var("CONFIG_HZ", long, EXTERN);
    let all = [(flag, 0, 1), (string, 0, 5), (version, 0, 4), (hz, 0, 8)];
    let kconfig = b.datasec(".kconfig", 0, &all);
    let btf = newest(&b, &Layout::new());
    let placed = [(hz, 0, 8), (version, 8, 4), (flag, 12, 1), (string, 13, 5)];
    assert_eq!(vars(&btf, kconfig), placed);
    assert_eq!(btf.type_by_id(kconfig).unwrap().size(), 18);
    let hz = btf.type_by_id(hz).unwrap();
    assert_eq!((hz.linkage(), hz.target()), (Some(Linkage::Global), long));
}

#[test]
fn each_kind_is_replaced_for_kernels_before_it() {
    let mut b = BtfBuilder::new(Order::Big);
    let int = b.int("int", 4, SIGNED);
    let float = b.float("double", 8);
    let type_tag = b.type_tag("user", int);
    let proto = b.func_proto(int, &[("a", int), ("", 0)]);
    let func = b.func("f", proto, GLOBAL);
    let decl_tag = b.decl_tag("tag", func, 0);
    let var = b.var("v", int, GLOBAL);
    let section = b.datasec("?.rodata.cst", 8, &[(var, 4, 4)]);
    let signed = b.enumeration("e", 4, true, &[("LOW", -1)]);
    let wide = b.enum64("w", false, &[("HIGH", 1 << 40)]);
    let count = b.next_id();
    let prepared = |release| for_release(&b, &Layout::new(), release);

    let btf = prepared("99.0");
    let ids = 1..count;
    let unchanged: Vec<_> = ids.map(|id| kind(&btf, id)).collect();
    let original: Vec<_> = parse(&b).own_types().map(|ty| ty.kind()).collect();
    assert_eq!(unchanged, original);
    assert_eq!(btf.type_count(), count);
    assert_eq!(name(&btf, section), "?.rodata.cst");

    let btf = prepared("6.8");
    assert_eq!(name(&btf, section), "_.rodata.cst");
    assert_eq!(kind(&btf, wide), Kind::Enum64);

    let btf = prepared("5.19");
    assert!(!btf.type_by_id(signed).unwrap().kind_flag());
    assert_eq!(
        (kind(&btf, wide), btf.type_by_id(wide).unwrap().size()),
        (Kind::Union, 8)
    );
    let member = btf.type_by_id(wide).unwrap().member(0).unwrap();
    assert_eq!(btf.string(member.name_off), Ok(&b"HIGH"[..]));
    assert_eq!((member.type_id, member.bit_offset), (count, 0));
    assert_eq!(name(&btf, count), "enum64_placeholder");
    assert_eq!(kind(&btf, type_tag), Kind::TypeTag);

    let btf = prepared("5.16");
    assert_eq!(
        (kind(&btf, type_tag), name(&btf, type_tag)),
        (Kind::Const, String::new())
    );
    assert_eq!(kind(&btf, decl_tag), Kind::DeclTag);

    let btf = prepared("5.15");
    assert_eq!(
        (
            kind(&btf, decl_tag),
            btf.type_by_id(decl_tag).unwrap().size()
        ),
        (Kind::Int, 1)
    );
    assert_eq!(kind(&btf, float), Kind::Float);

    let btf = prepared("5.12");
    assert_eq!(
        (kind(&btf, float), btf.type_by_id(float).unwrap().size()),
        (Kind::Struct, 8)
    );
    assert_eq!(name(&btf, float), "");
    assert_eq!(
        btf.type_by_id(func).unwrap().linkage(),
        Some(Linkage::Global)
    );

    let btf = prepared("5.5");
    assert_eq!(
        btf.type_by_id(func).unwrap().linkage(),
        Some(Linkage::Static)
    );
    assert_eq!(kind(&btf, section), Kind::Datasec);

    let btf = prepared("5.1");
    assert_eq!(
        (kind(&btf, var), kind(&btf, section)),
        (Kind::Int, Kind::Struct)
    );
    assert_eq!(name(&btf, section), "__rodata_cst");
    let member = btf.type_by_id(section).unwrap().member(0).unwrap();
    assert_eq!((member.type_id, member.bit_offset), (var, 32));
    assert_eq!(btf.string(member.name_off), Ok(&b"v"[..]));
    assert_eq!(kind(&btf, proto), Kind::FuncProto);

    let btf = prepared("4.18");
    assert_eq!(
        (kind(&btf, func), kind(&btf, proto)),
        (Kind::Typedef, Kind::Enum)
    );
    let values = btf.type_by_id(proto).unwrap().enum_values();
    assert!(
        values
            .map(|v| btf.string(v.name_off).unwrap())
            .eq([&b"a"[..], b"_"])
    );
}

#[test]
fn what_a_kernel_supports_is_asked_only_where_it_matters() {
    let mut b = BtfBuilder::new(Order::Little);
    let int = b.int("int", 4, SIGNED);
    b.structure("s", 4, &[field("a", int, 0)]);
    let asked = |feature| -> bool { panic!("asked for {feature}") };
    prepare(&parse(&b), &Layout::new(), &asked).unwrap();
}

#[test]
fn references_into_nowhere_stay_for_the_kernel_to_refuse() {
    for order in Order::BOTH {
        let mut b = BtfBuilder::new(order);
        b.func("f", u32::MAX, EXTERN);
        b.var("v", 77, EXTERN);
        let wild = [
            (u32::MAX, u32::MAX, u32::MAX),
            (0, 1, 1),
            (1, 1, 1),
            (3, 0, 0),
        ];
        for section in [".ksyms", ".kconfig", ".ksyms", ".data"] {
            b.datasec(section, 0, &wild);
        }
        b.typedef("loop", b.next_id());
        for release in ["99.0", "4.18"] {
            let btf = for_release(&b, &Layout::new(), release);
            assert!(btf.type_count() > b.next_id());
        }
    }
}

#[test]
fn split_btf_is_refused() {
    let base = BtfBuilder::new(Order::Little);
    let split = BtfBuilder::split_over(&base);
    let split = crate::btf::testing::parse_split(&split, &parse(&base));
    let error = prepare(&split, &Layout::new(), &|_| true).unwrap_err();
    assert!(error.to_string().contains("split"), "{error}");
}
