//! Stable sorting. What the library sorts is in order already, mostly, or made of a few runs that
//! are. Here the items stay where they are until it is known where each belongs, so that the
//! standard library's sort is compiled for two types of keys: each more is 5 kB of code.

/// Sorts by a number; what has the same stays in the order it has.
pub(crate) fn by_number<T, K>(items: &mut [T], key: impl Fn(&T) -> K)
where
    K: Into<u128> + PartialOrd,
{
    if !items.is_sorted_by_key(&key) {
        let order = sorted(items.iter().map(|item| key(item).into()).zip(0..).collect());
        arrange(order, &mut |a, b| items.swap(a, b));
    }
}

/// The same by bytes, as names are ordered.
pub(crate) fn by_bytes<T>(items: &mut [T], key: impl Fn(&T) -> &[u8]) {
    if !items.is_sorted_by(|a, b| key(a) <= key(b)) {
        let order = sorted(items.iter().map(&key).zip(0..).collect());
        arrange(order, &mut |a, b| items.swap(a, b));
    }
}

/// One number to sort by of up to four, of which the first counts most.
pub(crate) fn joined<const N: usize>(parts: [u32; N]) -> u128 {
    parts
        .into_iter()
        .fold(0, |number, part| number << 32 | u128::from(part))
}

/// For each place, where the item comes from that belongs there.
#[inline(never)]
fn sorted<K: Ord>(mut keys: Vec<(K, usize)>) -> Vec<usize> {
    keys.sort_by(|(a, _), (b, _)| a.cmp(b));
    keys.into_iter().map(|(_, from)| from).collect()
}

/// Swaps items until each is where it belongs, at most as often as there are items: along
/// each cycle of the permutation, whose first item moves ahead until its place comes. What is
/// done comes from itself, and so is a cycle of one.
#[inline(never)]
fn arrange(mut order: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for first in 0..order.len() {
        let mut place = first;
        while let Some(from) = order
            .get_mut(place)
            .map(|from| std::mem::replace(from, place))
            && from != first
        {
            swap(place, from);
            place = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{by_bytes, by_number, joined};
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_the_standard_library_sorts(numbers in vec(0..40u32, 0..80)) {
            let mut items: Vec<(u32, usize)> = numbers.into_iter().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|&(number, _)| number);
            by_number(&mut items, |&(number, _)| number);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn bytes_too(names in vec(vec(0..3u8, 0..4), 0..80)) {
            let mut items: Vec<(Vec<u8>, usize)> = names.into_iter().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by(|(a, _), (b, _)| a.cmp(b));
            by_bytes(&mut items, |(name, _)| name);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn joined_in_the_order_of_their_parts(a: [u32; 3], b: [u32; 3], same in 0..3usize) {
            let mut b = b;
            b[..same].copy_from_slice(&a[..same]);
            prop_assert_eq!(joined(a).cmp(&joined(b)), a.cmp(&b));
        }
    }
}
