//! Packed objects, many to an allocation: each on its own would take thirty bytes more, for a pointer and for what the allocator
//! rounds up.

use std::collections::HashMap;

use super::packed::Packed;
use super::reserve;
use crate::queue::ObjectId;

/// Objects that share an allocation, which is made anew when one of them changes.
const SHARE: usize = 16;
/// What is longer than this has an allocation of its own: nobody copies one tenant's manifests for another's change.
const LARGE: usize = 4096;
/// Bytes of the number that says how long an object is.
const LENGTH: usize = size_of::<u32>();

/// Objects by their numbers.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    shelves: Vec<Shelf>,
    large: HashMap<ObjectId, Packed>,
}

/// The lengths of all of them, and then one behind the other. Empty, or with all of their lengths.
#[derive(Clone, Debug, Default)]
struct Shelf(Box<[u8]>);

impl Shelves {
    /// Puts an object there, in place of what has this number.
    pub(super) fn put(&mut self, id: ObjectId, packed: Packed) {
        if packed.bytes().len() > LARGE {
            self.remove(id);
            self.large.insert(id, packed);
            return;
        }
        self.large.remove(&id);
        let (number, place) = place(id);
        if self.shelves.len() <= number {
            reserve(&mut self.shelves, number + 1);
            self.shelves.resize_with(number + 1, Shelf::default);
        }
        if let Some(shelf) = self.shelves.get_mut(number) {
            shelf.put(place, packed.bytes());
        }
    }

    /// The object of this number.
    pub(super) fn get(&self, id: ObjectId) -> Option<Packed> {
        if let Some(packed) = self.large.get(&id) {
            return Some(packed.clone());
        }
        let (number, place) = place(id);
        self.shelves.get(number)?.objects().nth(place).filter(|bytes| !bytes.is_empty()).map(Packed::from)
    }

    /// Nothing has this number any more.
    pub(super) fn remove(&mut self, id: ObjectId) {
        self.large.remove(&id);
        let (number, place) = place(id);
        if let Some(shelf) = self.shelves.get_mut(number)
            && shelf.objects().nth(place).is_some_and(|object| !object.is_empty())
        {
            shelf.put(place, &[]);
        }
    }
}

/// The number of its shelf, and where it stands there.
fn place(id: ObjectId) -> (usize, usize) {
    (id as usize / SHARE, id as usize % SHARE)
}

impl Shelf {
    /// What stands on it; nothing where there is no object.
    fn objects(&self) -> impl Iterator<Item = &[u8]> {
        let (lengths, mut rest) = self.0.split_at(self.0.len().min(SHARE * LENGTH));
        lengths.chunks_exact(LENGTH).map(move |length| {
            let length = length.try_into().map_or(0, u32::from_le_bytes);
            let (object, behind) = rest.split_at(rest.len().min(length as usize));
            rest = behind;
            object
        })
    }

    fn put(&mut self, place: usize, object: &[u8]) {
        let mut objects: [&[u8]; SHARE] = [&[]; SHARE];
        for (to, from) in objects.iter_mut().zip(self.objects()) {
            *to = from;
        }
        objects[place] = object;
        let length: usize = objects.iter().map(|object| object.len()).sum();
        if length == 0 {
            return *self = Self::default();
        }
        let mut bytes = Vec::with_capacity(SHARE * LENGTH + length);
        for object in &objects {
            bytes.extend(u32::try_from(object.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        for object in objects {
            bytes.extend(object);
        }
        *self = Self(bytes.into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Short and long ones, each of one letter.
    fn object() -> impl Strategy<Value = Vec<u8>> {
        (1..=u8::MAX, prop_oneof![1..10_usize, LARGE - 3..LARGE + 3])
            .prop_map(|(letter, length)| vec![letter; length])
    }

    proptest! {
        #[test]
        fn each_stays_as_it_was_put(
            steps in prop::collection::vec((0..50_u32, prop::option::weighted(0.7, object())), 0..60)
        ) {
            let (mut shelves, mut expected) = (Shelves::default(), HashMap::new());
            for (id, object) in steps {
                if let Some(object) = object {
                    shelves.put(id, object.as_slice().into());
                    expected.insert(id, object);
                } else {
                    shelves.remove(id);
                    expected.remove(&id);
                }
            }
            for id in 0..60 {
                let stands = shelves.get(id).map(|packed| packed.bytes().to_vec());
                prop_assert_eq!(stands.as_ref(), expected.get(&id));
            }
            for id in 0..50 {
                shelves.remove(id);
            }
            prop_assert!(shelves.shelves.iter().all(|shelf| shelf.0.is_empty()), "nothing is left over");
            prop_assert!(shelves.large.is_empty());
        }
    }
}
