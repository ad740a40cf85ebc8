//! Pure. Text with tabs to aligned columns, as Go's `text/tabwriter` aligns them.
//!
//! A cell ends at a tab; what follows a line's last tab is no cell. A column is a run of neighbouring lines that have a cell
//! there: a line without one ends it, and the next run is as wide as it needs itself.

/// How wide columns are. What was written before may widen what comes later: see [`TabWriter::remembering`].
#[derive(Clone, Debug)]
pub struct TabWriter {
    least: usize,
    padding: usize,
    /// The widest that each column has been, if that is to be kept.
    remembered: Option<Vec<usize>>,
}

impl TabWriter {
    pub fn new(least: usize, padding: usize) -> TabWriter {
        TabWriter {
            least,
            padding,
            remembered: None,
        }
    }

    /// Columns never become narrower from one text to the next, so that a stream of rows stays aligned.
    pub fn remembering(mut self) -> TabWriter {
        self.remembered = Some(Vec::new());
        self
    }

    pub fn align(&mut self, text: &str) -> String {
        let body = text.strip_suffix('\n').unwrap_or(text);
        let lines: Vec<Vec<&str>> = body.split('\n').map(|line| line.split('\t').collect()).collect();
        let mut out = String::with_capacity(text.len() * 2);
        self.block(&lines, &mut Vec::new(), &mut out);
        if !text.ends_with('\n') {
            out.pop();
        }
        out
    }

    fn block(&mut self, lines: &[Vec<&str>], widths: &mut Vec<usize>, out: &mut String) {
        let column = widths.len();
        let has_cell = |line: &Vec<&str>| line.len() > column + 1;
        let mut rest = lines;
        while let Some((line, others)) = rest.split_first() {
            if !has_cell(line) {
                write_line(line, widths, out);
                rest = others;
                continue;
            }
            let end = rest.iter().position(|line| !has_cell(line)).unwrap_or(rest.len());
            let widest = rest[..end].iter().map(|line| line[column].chars().count()).max();
            let width = self.least.max(widest.unwrap_or(0) + self.padding);
            widths.push(self.remember(column, width));
            self.block(&rest[..end], widths, out);
            widths.pop();
            rest = &rest[end..];
        }
    }

    fn remember(&mut self, column: usize, width: usize) -> usize {
        let Some(remembered) = &mut self.remembered else {
            return width;
        };
        if remembered.len() <= column {
            remembered.resize(column + 1, 0);
        }
        remembered[column] = remembered[column].max(width);
        remembered[column]
    }
}

fn write_line(cells: &[&str], widths: &[usize], out: &mut String) {
    for (index, cell) in cells.iter().enumerate() {
        out.push_str(cell);
        if let Some(width) = widths.get(index) {
            let missing = width.saturating_sub(cell.chars().count());
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_cell_ends_the_column() {
        let text = "a:\t1\nlong:\t2\nhead\nb:\t3\n";
        assert_eq!(TabWriter::new(0, 2).align(text), "a:     1\nlong:  2\nhead\nb:  3\n");
    }

    #[test]
    fn a_stream_of_rows_keeps_the_widest_column() {
        let mut writer = TabWriter::new(6, 3).remembering();
        assert_eq!(
            writer.align("NAME\tAGE\nlonger-name\t1\n"),
            "NAME          AGE\nlonger-name   1\n"
        );
        assert_eq!(writer.align("a\t2\n"), "a             2\n");
    }
}
