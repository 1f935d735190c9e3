//! Which class is next: the better one, and now and then the one that was passed over long enough.

use super::Class;

/// Passes that begin ahead of a class in which somebody waits, before it is its turn.
pub(super) const PASSED_OVER: u32 = 8;

/// How often each class was passed over.
#[derive(Debug, Default)]
pub(super) struct Shares {
    passed_over: [u32; 3],
}

impl Shares {
    /// The classes in the order in which they are asked for somebody.
    pub(super) fn order(&self) -> [Class; 3] {
        let mut order = Class::ALL;
        // Stable: of those whose turn it is, and of the others, the better one is first.
        order.sort_by_key(|class| self.passed_over[*class as usize] < PASSED_OVER);
        order
    }

    /// Somebody of a class begins; in which classes somebody waits.
    pub(super) fn served(&mut self, served: Class, waits: [bool; 3]) {
        for class in Class::ALL {
            let passed = &mut self.passed_over[class as usize];
            if class == served {
                *passed = 0;
            } else if waits[class as usize] {
                // Whoever has no room in its lane for the moment waits all the same.
                *passed += 1;
            }
        }
    }
}
