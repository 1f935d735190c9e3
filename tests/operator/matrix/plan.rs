//! Which cells there are: recorded points × blows × interferences, without those that mean nothing.

use std::collections::BTreeMap;
use std::fmt;

use super::blow::Blow;
use super::cell::Cell;
use super::interference::Interference;
use super::point::Point;
use super::scenario::Scenario;

/// The matrix.
pub(super) struct Plan {
    points: BTreeMap<Scenario, Vec<Point>>,
    pub(super) cells: Vec<Cell>,
    excluded: BTreeMap<&'static str, usize>,
}

impl Plan {
    /// The matrix of these recordings.
    pub(super) fn of(points: &BTreeMap<Scenario, Vec<Point>>) -> Self {
        let mut plan = Self { points: points.clone(), cells: Vec::new(), excluded: BTreeMap::new() };
        for (scenario, points) in points {
            for point in points {
                for blow in Blow::ALL {
                    for interference in Interference::ALL {
                        plan.add(Cell { scenario: *scenario, point: point.clone(), blow, interference });
                    }
                }
            }
        }
        plan
    }

    fn add(&mut self, cell: Cell) {
        match cell.blow.excluded(&cell.point.kind).or(cell.interference.excluded(cell.scenario)) {
            Some(why) => *self.excluded.entry(why).or_default() += 1,
            None => self.cells.push(cell),
        }
    }

    /// So many cells at random, the same under the same seed.
    pub(super) fn sample(&self, seed: u64, size: usize) -> Vec<Cell> {
        fastrand::Rng::with_seed(seed).choose_multiple(&self.cells, size).into_iter().cloned().collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: usize = self.points.values().map(Vec::len).sum();
        writeln!(f, "{total} points in {} scenarios", self.points.len())?;
        for (scenario, points) in &self.points {
            writeln!(f, "  {scenario}: {}", points.len())?;
            for point in points {
                writeln!(f, "    {point}")?;
            }
        }
        writeln!(f, "{} cells required", self.cells.len())?;
        for (why, number) in &self.excluded {
            writeln!(f, "{number} excluded: {why}")?;
        }
        Ok(())
    }
}
