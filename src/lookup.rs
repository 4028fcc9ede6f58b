//! Hash tables whose code does not depend on what is in them: keys and values lie in a list; the
//! table, which is compiled once, holds hashes and places in that list. Each type of key or value
//! that a `hashbrown::HashMap` is compiled for is 2 kB of code.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Up to this many entries are compared one by one, without a table.
const SHORT: usize = 8;

/// Values by key; keys alone where there are no values.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<K, V = ()> {
    places: Places,
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Lookup<K, V> {
        Lookup {
            places: Places::default(),
            entries: Vec::new(),
        }
    }
}

impl<K: Hash + Eq, V> Lookup<K, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (_, value) = self.entries.get(self.find(key)?)?;
        Some(value)
    }

    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key)?;
        let (_, value) = self.entries.get_mut(place)?;
        Some(value)
    }

    /// The value of a key, which becomes `value` where it has none; and whether it had none.
    #[inline(never)]
    pub(crate) fn or_insert(&mut self, key: K, value: V) -> (&mut V, bool) {
        let indexed = self.entries.len() > SHORT;
        let hash = if indexed { self.places.hash(&key) } else { 0 };
        let known = match indexed {
            true => self.find_indexed(&key, hash),
            false => self.find(&key),
        };
        let place = known.unwrap_or(self.entries.len());
        if known.is_none() {
            self.entries.push((key, value));
            match indexed {
                true => self.places.add(hash),
                false => self.index(),
            }
        }
        (&mut self.entries[place].1, known.is_none())
    }

    #[inline(never)]
    fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        if self.entries.len() <= SHORT {
            let is = |(known, _): &(K, V)| Borrow::<Q>::borrow(known) == key;
            return self.entries.iter().position(is);
        }
        self.find_indexed(key, self.places.hash(key))
    }

    fn find_indexed<Q: Hash + Eq + ?Sized>(&self, key: &Q, hash: u64) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let is = |(known, _): &(K, V)| Borrow::<Q>::borrow(known) == key;
        self.places
            .find(hash, &|place| self.entries.get(place).is_some_and(is))
    }

    /// Makes the table, when there are too many entries to do without.
    fn index(&mut self) {
        if self.entries.len() > SHORT {
            for (key, _) in &self.entries {
                let hash = self.places.hash(key);
                self.places.add(hash);
            }
        }
    }
}

impl<K: Hash + Eq, V: Copy> Lookup<K, V> {
    /// Gives a key this value, whichever it had.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        *self.or_insert(key, value).0 = value;
    }
}

/// Of equal keys the last one counts.
impl<K: Hash + Eq, V: Copy> FromIterator<(K, V)> for Lookup<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Lookup<K, V> {
        let mut lookup = Lookup::default();
        for (key, value) in entries {
            lookup.insert(key, value);
        }
        lookup
    }
}

/// Keys and values in the order in which the keys came.
impl<K, V> IntoIterator for Lookup<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// Where keys lie, by their hashes.
#[derive(Clone, Debug, Default)]
struct Places {
    table: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
}

impl Places {
    #[inline(never)]
    fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The place of this hash that `is` the right one.
    #[inline(never)]
    fn find(&self, hash: u64, is: &dyn Fn(usize) -> bool) -> Option<usize> {
        let same = |&(known, place): &_| known == hash && is(place);
        self.table.find(hash, same).map(|&(_, place)| place)
    }

    /// Adds the next place.
    #[inline(never)]
    fn add(&mut self, hash: u64) {
        let place = self.table.len();
        self.table
            .insert_unique(hash, (hash, place), |&(hash, _)| hash);
    }
}

#[cfg(test)]
mod tests {
    use super::Lookup;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn as_a_map_of_the_standard_library(entries in vec((vec(0..3u8, 0..4), any::<u32>()), 0..300)) {
            let expected: BTreeMap<Vec<u8>, u32> = entries.iter().cloned().collect();
            let lookup: Lookup<Vec<u8>, u32> = entries.iter().cloned().collect();
            for name in entries.iter().map(|(name, _)| &name[..]).chain([&b"absent"[..]]) {
                prop_assert_eq!(lookup.get(name), expected.get(name));
            }
            prop_assert_eq!(lookup.into_iter().collect::<BTreeMap<_, _>>(), expected);
        }

        #[test]
        fn the_first_of_equal_keys_stays(keys in vec(0..50u64, 0..300)) {
            let mut lookup = Lookup::default();
            for (place, &key) in keys.iter().enumerate() {
                let first = keys.iter().position(|&known| known == key);
                let (value, new) = lookup.or_insert(key, place);
                prop_assert_eq!((Some(*value), new), (first, first == Some(place)));
            }
        }
    }
}
