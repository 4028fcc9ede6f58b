//! A limit on work: hostile BTF can make a small question endless.
//!
//! Depth limits alone do not help. Ten levels of function prototypes with ten
//! parameters each, all of one type, are ten billion comparisons.

use super::CoreFault;

/// Steps of one question on one candidate. Comparing `struct task_struct` with
/// itself in depth takes a few thousand.
const PER_ANSWER: u32 = 1 << 22;
/// Steps of all questions of one resolver.
const IN_ALL: u32 = 1 << 27;
/// What an answer costs at least: it is kept, and a thousand candidates for each of a
/// thousand relocations may be, but not more.
const TO_KEEP: u32 = 1 << 7;

/// Counts steps (a member looked at, a pair of types compared) down to nothing.
pub(super) struct Budget {
    in_all: u32,
    /// Of these, what the answer at hand may still take.
    left: u32,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget {
            in_all: IN_ALL,
            left: 0,
        }
    }

    /// Begins an answer, which may take its full share while there is any.
    pub(super) fn begin(&mut self) -> Result<(), CoreFault> {
        self.spend(TO_KEEP as usize)?;
        self.left = self.in_all.min(PER_ANSWER);
        self.in_all -= self.left;
        Ok(())
    }

    /// Takes many steps outside any answer.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), CoreFault> {
        let all = self.in_all.saturating_add(self.left);
        let steps = u32::try_from(steps).ok();
        match steps.and_then(|steps| all.checked_sub(steps)) {
            Some(left) => self.in_all = left,
            None => return Err(CoreFault::TooComplex),
        }
        self.left = 0;
        Ok(())
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
        let mut steps = 0u64;
        let mut answers = 0u64;
        while budget.begin().is_ok() {
            answers += 1;
            let before = steps;
            while budget.step().is_ok() {
                steps += 1;
            }
            assert!(steps - before <= u64::from(PER_ANSWER));
            assert_eq!(budget.step(), Err(CoreFault::TooComplex));
        }
        assert!(answers >= u64::from(IN_ALL / (PER_ANSWER + TO_KEEP)));
        assert!(steps + answers * u64::from(TO_KEEP) <= u64::from(IN_ALL));
    }

    #[test]
    fn what_an_answer_does_not_use_is_kept_for_others() {
        let mut budget = Budget::new();
        let mut answers = 0;
        while budget.begin().is_ok() {
            answers += 1;
        }
        assert_eq!(answers, IN_ALL / TO_KEEP);
    }
}
