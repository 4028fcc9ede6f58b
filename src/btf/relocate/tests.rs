//! Distilled bases: the rules of the kernel's btf_relocate.c, one by one.

use super::relocate;
use crate::btf::testing::builder::*;
use crate::btf::testing::{parse, parse_split};
use crate::btf::{Btf, BtfError, Kind, TypeId};

/// A kernel in which ids and strings lie elsewhere than in the distilled base.
fn kernel() -> BtfBuilder {
    let mut b = BtfBuilder::new(Order::Little);
    b.structure("padding", 1, &[]);
    let int = b.int("int", 4, SIGNED);
    b.int("unsigned int", 4, 0);
    b.structure("list_head", 16, &[field("next", int, 0)]);
    b.structure("task_struct", 4096, &[]);
    b.enumeration("state", 4, false, &[("RUNNING", 0)]);
    b.enum64("wide", false, &[("HUGE", 1 << 40)]);
    b.float("double", 8);
    b.fwd_union("hidden");
    b
}

/// What a module says over a distilled base, moved onto `kernel`.
fn moved(
    kernel: &BtfBuilder,
    distilled: impl FnOnce(&mut BtfBuilder),
    module: impl FnOnce(&mut BtfBuilder),
) -> Result<Btf, BtfError> {
    let mut base = BtfBuilder::new(kernel.order());
    distilled(&mut base);
    let mut split = BtfBuilder::split_over(&base);
    module(&mut split);
    let split = parse_split(&split, &parse(&base));
    relocate(&split, parse(kernel))
}

/// The id that a single distilled type gets: a typedef of the module says it.
fn found(kernel: &BtfBuilder, distilled: impl FnOnce(&mut BtfBuilder)) -> Result<TypeId, String> {
    let module = |b: &mut BtfBuilder| {
        b.typedef("of_module", 1);
    };
    let btf = moved(kernel, distilled, module).map_err(|error| error.to_string())?;
    let own = btf.own_types().next().expect("the typedef");
    assert_eq!(own.name(), Ok(&b"of_module"[..]));
    Ok(own.target())
}

fn named(kernel: &BtfBuilder, name: &str, kind: Kind) -> TypeId {
    let btf = parse(kernel);
    let ids: Vec<TypeId> = btf.named_exact(name.as_bytes(), &[kind]).collect();
    assert_eq!(ids.len(), 1, "{name}");
    ids[0]
}

#[test]
fn every_reference_and_name_of_every_kind_is_moved() {
    for order in Order::BOTH {
        let mut kernel = BtfBuilder::new(order);
        kernel.structure("padding", 1, &[]);
        let int = kernel.int("int", 4, SIGNED);
        let list = kernel.structure("list_head", 16, &[]);
        let btf = moved(
            &kernel,
            |b| {
                b.structure("list_head", 16, &[]);
                b.int("int", 4, SIGNED);
            },
            |b| {
                // Distilled: [1] list_head, [2] int. The module's own begin at [3].
                let own = b.structure("own", 24, &[field("list", 1, 0), field("int", 2, 16)]);
                let ptr = b.ptr(own);
                b.array(1, 2, 3);
                b.union("either", 16, &[field("l", 1, 0), field("p", ptr, 0)]);
                b.enumeration("colours", 4, false, &[("RED", 0)]);
                b.enum64("far", false, &[("FAR", 1 << 40)]);
                b.typedef("t", 2);
                b.volatile(2);
                b.constant(1);
                b.restrict(ptr);
                b.type_tag("user", 2);
                let proto = b.func_proto(2, &[("arg", ptr), ("list_head", 1)]);
                // The second parameter's name: a string of the base, its first one.
                b.set_word(proto, 5, 1);
                let func = b.func("handler", proto, GLOBAL);
                b.decl_tag("bpf_kfunc", func, -1);
                let var = b.var("counter", 2, STATIC);
                b.datasec(".data..percpu", 4, &[(var, 0, 4)]);
                b.fwd_struct("later");
                b.float("half", 2);
            },
        )
        .unwrap();
        let base = parse(&kernel);
        assert_eq!(btf.base().unwrap().bytes(), base.bytes());
        let first = base.type_count();
        assert_eq!(btf.first_id(), first);
        let types: Vec<_> = btf.own_types().collect();
        let name = |offset| btf.string(offset).unwrap();
        let members: Vec<_> = types[0].members().collect();
        assert_eq!(types[0].name(), Ok(&b"own"[..]));
        assert_eq!((members[0].type_id, members[1].type_id), (list, int));
        assert_eq!(name(members[1].name_off), b"int");
        assert_eq!(types[1].target(), first);
        let array = types[2].array().unwrap();
        assert_eq!((array.element, array.index, array.count), (list, int, 3));
        let either: Vec<_> = types[3].members().map(|m| m.type_id).collect();
        assert_eq!(either, [list, first + 1]);
        let value = |at: usize| types[at].enum_values().next().unwrap();
        assert_eq!(name(value(4).name_off), b"RED");
        assert_eq!(
            (name(value(5).name_off), value(5).value),
            (&b"FAR"[..], 1 << 40)
        );
        let targets: Vec<_> = (6..=10).map(|at| types[at].target()).collect();
        assert_eq!(targets, [int, int, list, first + 1, int]);
        assert_eq!(types[11].target(), int);
        let params: Vec<_> = types[11].params().collect();
        assert_eq!((params[0].type_id, params[1].type_id), (first + 1, list));
        assert_eq!(name(params[0].name_off), b"arg");
        // This name is one of the distilled base, and so one of the kernel's.
        assert_eq!(
            params[1].name_off,
            base.type_by_id(list).unwrap().name_off()
        );
        assert_eq!(types[12].target(), first + 11);
        assert_eq!(types[13].target(), first + 12);
        assert_eq!(types[13].component_index(), Some(-1));
        assert_eq!(types[14].target(), int);
        assert_eq!(types[15].section_vars().next().unwrap().type_id, first + 14);
        assert!(types[16].kind() == Kind::Fwd && !types[16].kind_flag());
        assert_eq!((types[17].kind(), types[17].size()), (Kind::Float, 2));
    }
}

#[test]
fn scalars_match_by_name_kind_and_size() {
    let kernel = kernel();
    let int = named(&kernel, "int", Kind::Int);
    assert_eq!(
        found(&kernel, |b| {
            b.int("int", 4, SIGNED);
        }),
        Ok(int)
    );
    let float = named(&kernel, "double", Kind::Float);
    assert_eq!(
        found(&kernel, |b| {
            b.float("double", 8);
        }),
        Ok(float)
    );
    for wrong in [
        found(&kernel, |b| {
            b.int("int", 8, SIGNED);
        }),
        found(&kernel, |b| {
            b.int("int", 4, 0);
        }),
        found(&kernel, |b| {
            b.float("int", 4);
        }),
        found(&kernel, |b| {
            b.float("double", 4);
        }),
    ] {
        let error = wrong.unwrap_err();
        assert!(error.contains("is of another kind or size"), "{error}");
    }
    let missing = found(&kernel, |b| {
        b.int("long", 8, SIGNED);
    })
    .unwrap_err();
    assert!(
        missing.contains("int long [1] of 8 bytes: the kernel's BTF has none of this name"),
        "{missing}"
    );
}

#[test]
fn both_enums_are_distilled_to_one_without_values() {
    let kernel = kernel();
    let (state, wide) = (
        named(&kernel, "state", Kind::Enum),
        named(&kernel, "wide", Kind::Enum64),
    );
    let empty = |name: &'static str, size| {
        move |b: &mut BtfBuilder| {
            b.enumeration(name, size, false, &[]);
        }
    };
    assert_eq!(found(&kernel, empty("state", 4)), Ok(state));
    assert_eq!(found(&kernel, empty("wide", 8)), Ok(wide));
    assert!(found(&kernel, empty("state", 8)).is_err());
}

#[test]
fn forward_declarations_match_what_they_declare() {
    let mut kernel = kernel();
    let task = named(&kernel, "task_struct", Kind::Struct);
    assert_eq!(
        found(&kernel, |b| {
            b.fwd_struct("task_struct");
        }),
        Ok(task)
    );
    let hidden = named(&kernel, "hidden", Kind::Fwd);
    assert_eq!(
        found(&kernel, |b| {
            b.fwd_union("hidden");
        }),
        Ok(hidden)
    );
    assert!(
        found(&kernel, |b| {
            b.fwd_union("task_struct");
        })
        .is_err()
    );
    assert!(
        found(&kernel, |b| {
            b.fwd_struct("hidden");
        })
        .is_err()
    );
    kernel.structure("task_struct", 8, &[]);
    let error = found(&kernel, |b| {
        b.fwd_struct("task_struct");
    })
    .unwrap_err();
    assert!(error.contains("fwd task_struct [1]"), "{error}");
}

#[test]
fn a_struct_that_is_only_pointed_to_may_have_grown() {
    let kernel = kernel();
    let task = named(&kernel, "task_struct", Kind::Struct);
    let older = |b: &mut BtfBuilder| {
        b.structure("task_struct", 4000, &[]);
    };
    let pointer = |b: &mut BtfBuilder| {
        let ptr = b.ptr(1);
        b.structure("own", 8, &[field("task", ptr, 0)]);
    };
    let btf = moved(&kernel, older, pointer).unwrap();
    assert_eq!(btf.own_types().next().unwrap().target(), task);
}

#[test]
fn a_struct_that_is_embedded_must_have_its_size() {
    let kernel = kernel();
    type Build = fn(&mut BtfBuilder);
    let ways: [Build; 5] = [
        |b| {
            b.structure("own", 24, &[field("list", 1, 8)]);
        },
        |b| {
            b.union("own", 24, &[field("list", 1, 0)]);
        },
        |b| {
            let array = b.array(1, 1, 2);
            b.structure("own", 48, &[field("lists", array, 0)]);
        },
        |b| {
            let modified = b.constant(1);
            let modified = b.typedef("list_t", modified);
            let modified = b.volatile(modified);
            b.structure("own", 24, &[field("list", modified, 0)]);
        },
        |b| {
            // Inside a struct without a name.
            let inner = b.structure("", 24, &[field("list", 1, 0)]);
            b.structure("own", 24, &[field("", inner, 0)]);
        },
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let same = |b: &mut BtfBuilder| {
            b.structure("list_head", 16, &[]);
        };
        assert!(moved(&kernel, same, way).is_ok(), "way {number}");
        let other = |b: &mut BtfBuilder| {
            b.structure("list_head", 24, &[]);
        };
        let error = moved(&kernel, other, way).unwrap_err().to_string();
        assert!(
            error.contains("struct list_head [1] of 24 bytes: that of the kernel, [4], is of"),
            "way {number}: {error}"
        );
    }
}

#[test]
fn of_several_structs_of_one_name_the_size_tells() {
    let mut kernel = kernel();
    let first = named(&kernel, "list_head", Kind::Struct);
    let second = kernel.structure("list_head", 32, &[]);
    let sized = |size| {
        move |b: &mut BtfBuilder| {
            b.structure("list_head", size, &[]);
        }
    };
    assert_eq!(found(&kernel, sized(16)), Ok(first));
    assert_eq!(found(&kernel, sized(32)), Ok(second));
    assert!(found(&kernel, sized(24)).is_err());
    kernel.structure("list_head", 16, &[]);
    let ambiguous = found(&kernel, sized(16)).unwrap_err();
    assert!(
        ambiguous.contains("the kernel's BTF has several that fit: [4] and [11]"),
        "{ambiguous}"
    );
    assert_eq!(found(&kernel, sized(32)), Ok(second));
}

#[test]
fn what_is_no_distilled_base_is_refused() {
    let kernel = kernel();
    type Build = fn(&mut BtfBuilder);
    let wrong: [Build; 4] = [
        |b| {
            b.structure("", 16, &[]);
        },
        |b| {
            b.typedef("int", 0);
        },
        |b| {
            b.ptr(0);
        },
        |b| {
            b.enum64("wide", false, &[]);
        },
    ];
    for build in wrong {
        let error = found(&kernel, build).unwrap_err();
        assert!(error.contains("expected a named type"), "{error}");
    }
    let unsplit = relocate(&parse(&kernel), parse(&kernel)).unwrap_err();
    assert!(matches!(unsplit, BtfError::Malformed(_)), "{unsplit}");
    let big = parse(&BtfBuilder::new(Order::Big));
    let base = BtfBuilder::new(Order::Little);
    let split = parse_split(&BtfBuilder::split_over(&base), &parse(&base));
    assert_eq!(
        relocate(&split, big).map(drop),
        Err(BtfError::BaseByteOrder)
    );
}

#[test]
fn references_to_nothing_are_errors() {
    let kernel = kernel();
    let int = |b: &mut BtfBuilder| {
        b.int("int", 4, SIGNED);
    };
    let nowhere = moved(&kernel, int, |b| {
        b.typedef("t", 99);
    });
    assert!(matches!(nowhere, Err(BtfError::NoType { id: 99, .. })));
    // Inside the name "int" there is no name of a distilled type.
    let tail = moved(&kernel, int, |b| {
        let id = b.typedef("t", 1);
        b.set_word(id, 0, 2);
    });
    assert_eq!(tail.map(drop), Err(BtfError::NoName(2)));
    let cycle = moved(&kernel, int, |b| {
        let id = b.next_id();
        b.typedef("loop", id);
        b.structure("s", 4, &[field("x", id, 0)]);
    });
    assert!(matches!(cycle, Err(BtfError::Cycle(_))), "{cycle:?}");
}

/// Each of them fits one type exactly, which has to be looked for among all of the name.
#[test]
fn thousands_of_one_name_do_not_take_long() {
    let many = |b: &mut BtfBuilder| {
        for size in 1..=4000 {
            b.structure("same", size, &[]);
        }
    };
    let mut kernel = BtfBuilder::new(Order::Little);
    many(&mut kernel);
    let error = moved(&kernel, many, |_| {}).unwrap_err().to_string();
    assert!(error.contains("more namesakes than any kernel"), "{error}");
}
