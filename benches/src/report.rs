//! Figures as a table in Markdown.

/// A median of several runs, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    lowest: f64,
    highest: f64,
}

impl Figure {
    /// `None` without any.
    pub(crate) fn of(figures: impl Iterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let (lowest, highest) = (*figures.first()?, *figures.last()?);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), lowest, highest })
    }
}

/// A row of a table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<String>,
}

/// A figure with so many digits after the point; empty where there is none.
pub(crate) fn figure(figure: Option<Figure>, digits: usize) -> String {
    let Some(Figure { median, lowest, highest }) = figure else { return String::new() };
    let [median, lowest, highest] = [median, lowest, highest].map(|figure| format!("{figure:.digits$}"));
    if lowest == highest { median } else { format!("{median} ({lowest} to {highest})") }
}

/// Prints a table.
pub(crate) fn table(head: &[&str], rows: &[Row]) {
    println!("| | {} |", head.join(" | "));
    println!("|---|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} | {} |", row.name, row.cells.join(" | "));
    }
}

/// The figure that this share of all figures does not exceed; 0 without any.
pub(crate) fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

/// Jain's index: 1 where all have the same, 1/n where one of n has everything.
pub(crate) fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    sum * sum / (shares.len() as f64 * squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_middle_of_its_runs() {
        assert_eq!(Figure::of(std::iter::empty()), None);
        let odd = Figure::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!(odd, Some(Figure { median: 2.0, lowest: 1.0, highest: 3.0 }));
        assert_eq!(figure(odd, 1), "2.0 (1.0 to 3.0)");
        assert_eq!(figure(Figure::of([4.0, 2.0].into_iter()), 0), "3 (2 to 4)");
        assert_eq!(figure(Figure::of([2.0, 2.0].into_iter()), 2), "2.00");
        assert_eq!(figure(None, 1), "");
    }

    #[test]
    fn a_quantile_is_one_of_the_figures() {
        let figures: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let text = |share| format!("{}", quantile(&figures, share));
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(text), ["1", "100", "198", "200"]);
        assert_eq!(format!("{}", quantile(&[], 0.5)), "0");
    }

    #[test]
    fn jains_index_falls_to_the_part_that_has_something() {
        assert!((jain(&[3.0, 3.0, 3.0, 3.0]) - 1.0).abs() < 1e-9);
        assert!((jain(&[5.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-9);
        assert!((jain(&[1.0, 1.0, 0.0, 0.0]) - 0.5).abs() < 1e-9);
    }
}
