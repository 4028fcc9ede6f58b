//! A limit on work: hostile BTF can make a small question endless.
//!
//! Depth limits alone do not help. Ten levels of function prototypes with ten
//! parameters each, all of one type, are ten billion comparisons.

use super::CoreFault;

/// Steps of one question on one candidate. Comparing `struct task_struct` with
/// itself in depth takes a few thousand.
const PER_ANSWER: u32 = 1 << 22;
/// Steps of all questions of one resolver.
const IN_ALL: u64 = 1 << 27;
/// Steps that every answer takes before it has looked at anything: answers are kept,
/// and ten thousand questions about ten thousand types of one name are too many.
const PER_BEGINNING: u32 = 1 << 7;

/// Counts steps (a member looked at, a pair of types compared) down to nothing.
pub(super) struct Budget {
    in_all: u64,
    left: u32,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget {
            in_all: IN_ALL,
            left: 0,
        }
    }

    /// The next answer may take its full share, while there is any.
    pub(super) fn begin(&mut self) {
        let unused = self.left;
        self.in_all = self.in_all.saturating_add(u64::from(unused));
        self.left = self.in_all.min(u64::from(PER_ANSWER)) as u32;
        self.in_all -= u64::from(self.left);
        self.left = self.left.saturating_sub(PER_BEGINNING);
    }

    /// Takes one step.
    #[inline]
    pub(super) fn step(&mut self) -> Result<(), CoreFault> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(CoreFault::TooComplex),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_cannot_spend_what_others_need_but_all_together_end() {
        let mut budget = Budget::new();
        budget.begin();
        assert!((PER_BEGINNING..PER_ANSWER).all(|_| budget.step().is_ok()));
        assert_eq!(budget.step(), Err(CoreFault::TooComplex));
        let mut answers = 0u64;
        loop {
            budget.begin();
            if budget.left == 0 {
                break;
            }
            budget.left = 0;
            answers += 1;
        }
        assert_eq!(answers, IN_ALL / u64::from(PER_ANSWER) - 1);
    }

    #[test]
    fn what_an_answer_does_not_use_is_kept() {
        let mut budget = Budget::new();
        for _ in 0..3 {
            budget.begin();
            assert_eq!(budget.step(), Ok(()));
        }
        let spent = 3 * (u64::from(PER_BEGINNING) + 1);
        assert_eq!(budget.in_all + u64::from(budget.left), IN_ALL - spent);
    }
}
