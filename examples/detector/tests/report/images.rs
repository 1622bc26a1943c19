//! Boxes, names and sheets: which pixels have which colour.
use super::{BLUE, ORANGE, count};
use detector::bbox::{BBox, Detection};
use detector::report::{Label, Style, annotate, grid};
use image::{Rgb, RgbImage};

const GREY: [u8; 3] = [128; 3];
const DARK: [u8; 3] = [20; 3];

fn classes() -> Vec<String> {
    ["RBC", "WBC"].map(str::to_owned).to_vec()
}

fn annotated(size: (u32, u32), labels: &[Label]) -> RgbImage {
    let mut image = RgbImage::from_pixel(size.0, size.1, Rgb(GREY));
    annotate(&mut image, labels, &classes());
    image
}

fn label(bbox: [f32; 4], class: usize, style: Style) -> Label {
    let [x1, y1, x2, y2] = bbox;
    Label { bbox: BBox::new(x1, y1, x2, y2), class, style }
}

#[test]
fn a_box_has_the_colour_of_its_class_and_grows_with_the_image() {
    for (size, line) in [((300, 300), 2), ((640, 480), 2), ((1200, 900), 6)] {
        let found = Detection { bbox: BBox::new(100., 120., 180., 200.), class: 1, score: 0.875 };
        let image = annotated(size, &[Label::of(&found)]);
        let at = |x: u32, y: u32| image.get_pixel(x, y).0;
        for edge in 0..line {
            // In the middle of the sides: left, right, lower.
            assert_eq!([at(100 + edge, 170), at(179 - edge, 170), at(140, 199 - edge)], [ORANGE; 3]);
        }
        assert_eq!([at(100 + line, 170), at(99, 170), at(180, 170), at(140, 200)], [GREY; 4]);
        // The name is above the box: white on its colour.
        let name = image::imageops::crop_imm(&image, 100, 100, 60, 20).to_image();
        assert!(count(&name, ORANGE) > 150 && name.pixels().any(|p| p.0.iter().all(|&c| c > 200)));
    }
}

#[test]
fn truth_is_thin_and_dark_and_has_no_name() {
    let image = annotated((300, 300), &[label([50., 60., 150., 160.], 0, Style::Truth)]);
    assert_eq!(count(&image, DARK), 4 * 100 - 4);
    assert_eq!(count(&image, GREY), 300 * 300 - 396);
}

#[test]
fn no_box_lies_over_a_name() {
    let below = label([50., 100., 150., 200.], 0, Style::Annotated);
    let over = label([60., 20., 140., 180.], 1, Style::Annotated);
    let name = |image: &RgbImage| image::imageops::crop_imm(image, 50, 87, 15, 13).to_image();
    let (alone, both) = (annotated((300, 300), &[below]), annotated((300, 300), &[below, over]));
    assert_eq!(name(&both), name(&alone));
}

#[test]
fn a_name_without_room_above_is_inside_the_box_and_the_image() {
    let image = annotated((300, 300), &[label([270., 0., 300., 60.], 0, Style::Found(0.5))]);
    assert!((230..300).any(|x| image.get_pixel(x, 5).0 == BLUE), "it is moved to the left");
    assert_eq!(image.get_pixel(299, 5).0, BLUE);
    assert_eq!(image.get_pixel(200, 5).0, GREY);
}

/// Data sets have boxes without area and beyond the image, models have worse.
#[test]
fn odd_boxes_are_drawn_where_they_are_seen() {
    let blank = annotated((300, 300), &[]);
    let beyond = [
        [f32::NAN, 0., 10., 10.],
        [400., 10., 500., 20.],
        [-50., -50., -10., -10.],
        [f32::INFINITY, 10., f32::INFINITY, 20.],
    ];
    for bbox in beyond {
        assert_eq!(annotated((300, 300), &[label(bbox, 0, Style::Found(1.))]), blank, "{bbox:?}");
    }
    let huge = annotated((300, 300), &[label([-1e30, -1e30, f32::INFINITY, 1e30], 0, Style::Truth)]);
    assert_eq!(count(&huge, DARK), 4 * 300 - 4, "the border");
    let empty = annotated((300, 300), &[label([100., 100., 100., 100.], 0, Style::Truth)]);
    assert!((1..=4).contains(&count(&empty, DARK)), "a dot");
    // A class that nobody named.
    assert!(count(&annotated((300, 300), &[label([50., 50., 90., 90.], 7, Style::Annotated)]), BLUE) > 200);
    annotated((1, 1), &[label([0., 0., 1., 1.], 0, Style::Found(0.5))]);
}

#[test]
fn names_are_dark_on_bright_colours() {
    // The fifth colour is yellow.
    let image = annotated((300, 300), &[label([100., 100., 200., 200.], 4, Style::Annotated)]);
    let name = image::imageops::crop_imm(&image, 100, 86, 20, 14).to_image();
    assert!(count(&name, [230, 159, 0]) > 50 && name.pixels().any(|p| p.0.iter().all(|&c| c < 60)));
}

#[test]
fn a_sheet_has_its_images_in_rows_below_their_captions() {
    let cell = |text: &str, colour| (text.to_owned(), RgbImage::from_pixel(100, 60, Rgb(colour)));
    let cells =
        [cell("first", BLUE), cell(&"a name that never ends ".repeat(9), ORANGE), cell("third", GREY)];
    let sheet = grid(&cells, 2);
    assert_eq!(sheet.dimensions(), (2 * 108 + 8, 2 * 88 + 8));
    for (x, y, colour) in
        [(8, 28, BLUE), (107, 87, BLUE), (116, 28, ORANGE), (8, 116, GREY), (107, 175, GREY)]
    {
        assert_eq!(sheet.get_pixel(x, y).0, colour, "{x}, {y}");
    }
    assert_eq!((count(&sheet, BLUE), count(&sheet, ORANGE)), (6000, 6000), "images are whole");
    let written = |x: u32, width: u32| {
        let caption = image::imageops::crop_imm(&sheet, x, 8, width, 20).to_image();
        caption.pixels().any(|pixel| pixel.0 != [255; 3])
    };
    assert!(written(8, 100) && written(116, 100));
    assert!(!written(108, 8) && !written(217, 7), "a caption stays above its image");
    assert_eq!(grid(&[], 3).dimensions(), (17, 37));
}
