//! Tables of numbers, in letters.

/// Columns under their heads: the first one to the left, the others to the right.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rule = vec!["-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1))];
    let lines = [line(&heads)].into_iter().chain(rule).chain(rows.iter().map(|row| line(row)));
    lines.collect::<Vec<_>>().join("\n")
}

/// COCO's twelve numbers as pycocotools prints them, and on one line to copy, as MMDetection does; -1 where there is nothing
/// to measure.
pub fn coco_lines(numbers: &[Option<f64>; 12]) -> String {
    let areas = ["all", "small", "medium", "large"];
    let rows: [(&str, &str, &str, usize); 12] = [
        ("Average Precision  (AP)", "0.50:0.95", areas[0], 100),
        ("Average Precision  (AP)", "0.50     ", areas[0], 100),
        ("Average Precision  (AP)", "0.75     ", areas[0], 100),
        ("Average Precision  (AP)", "0.50:0.95", areas[1], 100),
        ("Average Precision  (AP)", "0.50:0.95", areas[2], 100),
        ("Average Precision  (AP)", "0.50:0.95", areas[3], 100),
        ("Average Recall     (AR)", "0.50:0.95", areas[0], 1),
        ("Average Recall     (AR)", "0.50:0.95", areas[0], 10),
        ("Average Recall     (AR)", "0.50:0.95", areas[0], 100),
        ("Average Recall     (AR)", "0.50:0.95", areas[1], 100),
        ("Average Recall     (AR)", "0.50:0.95", areas[2], 100),
        ("Average Recall     (AR)", "0.50:0.95", areas[3], 100),
    ];
    let lines = rows.iter().zip(numbers).map(|((what, iou, area, most), number)| {
        format!(" {what} @[ IoU={iou} | area={area:>6} | maxDets={most:>3} ] = {:.3}", number.unwrap_or(-1.))
    });
    let copy: Vec<String> =
        numbers[..6].iter().map(|number| format!("{:.3}", number.unwrap_or(-1.))).collect();
    lines.chain([format!("bbox_mAP_copypaste: {}", copy.join(" "))]).collect::<Vec<_>>().join("\n")
}
