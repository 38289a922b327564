// Box of a gate: base, lid, rain hood. Licence: CERN-OHL-S-2.0, see hardware/LICENSE.
//
//   openscad -D 'show="base"' -o base.stl hardware/enclosure/terminal.scad
//
// show: "base", "lid", "hood" or "all". Print in ASA, three walls, 40 % infill, base and lid on their
// flat sides. All measures in mm. Everything follows from the parameters; a test reads them line by
// line (name = number;) and checks that the parts fit and keep their distances.

show = "all";

// Outside.
width = 118;
height = 180;
depth = 56;
wall = 3;
corner = 6;

// Lid: a plate with a rim of its own. Thin over the coil: 13.56 MHz passes plastic, distance counts.
lid_depth = 8;
coil_window = 2;

// Front, measured from the middle of the bottom edge.
display_y = 152;
display_pane_width = 30;
display_pane_height = 17;
display_board_width = 28;
display_board_height = 28;
ring_y = 113;
ring_outside = 37;
ring_inside = 23;
reader_y = 62;
reader_width = 60;
reader_height = 40;
buttons_y = 22;
button_distance = 56;
button_hole = 16.2;
button_outside = 20;
piezo_x = -38;
piezo_y = 152;
piezo_diameter = 22;

// The pane lies from inside over display and ring.
pane_width = 46;
pane_height = 82;
pane_thickness = 2;

// Board in the base, upper half: the Pico's antenna points up, away from the coil.
board_width = 100;
board_height = 70;
board_y = 126;
board_thickness = 1.6;
board_spacer = 6;
board_tallest = 18;
antenna_y = 158;
board_holes_x = 92;
board_holes_y = 62;

// Clock module in the base, below the board.
clock_y = 70;
clock_width = 38;
clock_height = 22;

// Seal, screws, glands.
seal_cord = 2.5;
seal_squeeze = 0.25;
screw_hole = 4.3;
insert_hole = 5.6;
insert_depth = 9;
ear = 12;
ear_y = 24;
gland_hole = 16.2;
gland_outside = 22;
gland_distance = 30;
glands = 3;

// Wall mounting: four holes in the back, screwed from inside with sealing washers.
mount_x = 60;
mount_y = 120;
mount_hole = 5;

// Lid switch: its lever is pressed by a pin of the lid.
switch_x = 38;
switch_y = 60;

// Rain hood over the top edge.
hood_out = 35;
hood_thickness = 3;

$fn = 48;

module rounded(w, h, d, r) {
    linear_extrude(d)
        offset(r) offset(-r)
            translate([-w / 2, 0]) square([w, h]);
}

// The screws sit in ears outside the seal: no hole leads in.
module at_ears() {
    for (x = [-1, 1], y = [ear_y, height - ear_y])
        translate([x * (width / 2 + ear / 2 - 1), y, 0]) children();
}

module ears(thick) {
    at_ears() hull() {
        cylinder(d = ear, h = thick);
        translate([0, -ear, 0]) cylinder(d = 1, h = thick);
        translate([0, ear, 0]) cylinder(d = 1, h = thick);
    }
    for (x = [-1, 1], y = [ear_y, height - ear_y])
        translate([x * (width / 2) - 4, y - ear, 0]) cube([8, 2 * ear, thick]);
}

module glands_below() {
    for (n = [0 : glands - 1])
        translate([(n - (glands - 1) / 2) * gland_distance, wall + 1, (depth - lid_depth) / 2])
            rotate([90, 0, 0]) cylinder(d = gland_hole, h = wall + 2);
}

module mount_holes() {
    for (x = [-1, 1], y = [-1, 1])
        translate([x * mount_x / 2, height / 2 + y * mount_y / 2, -1])
            cylinder(d = mount_hole, h = wall + 2);
}

module seal_groove() {
    // In the rim of the base: the cord stands out by what is squeezed.
    translate([0, 0, depth - lid_depth - seal_cord * (1 - seal_squeeze)])
        difference() {
            translate([0, wall - seal_cord / 2 + 1, 0])
                rounded(width - 2 * wall + seal_cord - 2, height - 2 * wall + seal_cord - 2, seal_cord, corner);
            translate([0, wall + seal_cord / 2 + 1, -1])
                rounded(width - 2 * wall - seal_cord - 2, height - 2 * wall - seal_cord - 2, seal_cord + 2, corner);
        }
}

module base() {
    rim = wall + seal_cord + 2; // wide enough for the groove
    difference() {
        rounded(width, height, depth - lid_depth, corner);
        translate([0, wall, wall])
            rounded(width - 2 * wall, height - 2 * wall, depth, corner - wall / 2);
        glands_below();
        mount_holes();
    }
    // Rim with the groove, and the ears.
    difference() {
        union() {
            translate([0, 0, depth - lid_depth - 5]) rounded(width, height, 5, corner);
            translate([0, 0, depth - lid_depth - insert_depth - 2]) difference() {
                ears(insert_depth + 2);
                translate([0, wall, -1])
                    rounded(width - 2 * wall, height - 2 * wall, insert_depth + 4, corner);
            }
        }
        translate([0, rim, depth - lid_depth - 6])
            rounded(width - 2 * rim, height - 2 * rim, 7, corner);
        seal_groove();
        at_ears() translate([0, 0, depth - lid_depth - insert_depth])
            cylinder(d = insert_hole, h = insert_depth + 1);
    }
    // Spacers of the board, and of the clock module.
    for (x = [-1, 1], y = [-1, 1])
        translate([x * board_holes_x / 2, board_y + y * board_holes_y / 2, wall - 1])
            difference() {
                cylinder(d = 6, h = board_spacer + 1);
                translate([0, 0, 1]) cylinder(d = 2.2, h = board_spacer + 1);
            }
    for (x = [-1, 1])
        translate([x * (clock_width / 2 - 3), clock_y, wall - 1]) cylinder(d = 5, h = board_spacer + 1);
    // Shelf of the lid switch.
    translate([switch_x - 3, switch_y - 12, wall - 1]) cube([10, 24, depth - lid_depth - wall - 12]);
}

// Modelled as seen from the front, so mirrored: its inside is up.
module lid() mirror([1, 0, 0]) front();

module front() {
    difference() {
        union() {
            rounded(width, height, lid_depth, corner);
            ears(lid_depth);
        }
        // Hollow behind the front.
        translate([0, wall + seal_cord + 4, wall])
            rounded(width - 2 * (wall + seal_cord + 4), height - 2 * (wall + seal_cord + 4), lid_depth, corner);
        // Openings.
        translate([-display_pane_width / 2, display_y - display_pane_height / 2, -1])
            cube([display_pane_width, display_pane_height, wall + 2]);
        translate([0, ring_y, -1]) difference() {
            cylinder(d = ring_outside, h = wall + 2);
            translate([0, 0, -1]) cylinder(d = ring_inside, h = wall + 4);
        }
        for (x = [-1, 1])
            translate([x * button_distance / 2, buttons_y, -1]) cylinder(d = button_hole, h = wall + 2);
        // Sound: small holes under the hood's shelter, with a membrane glued behind.
        for (a = [0 : 60 : 300])
            translate([piezo_x + 5 * cos(a), piezo_y + 5 * sin(a), -1]) cylinder(d = 1.5, h = wall + 2);
        // Bed of the pane, bed of the coil.
        translate([-pane_width / 2, display_y + display_pane_height / 2 + 5 - pane_height, wall - pane_thickness + 1])
            cube([pane_width, pane_height, lid_depth]);
        translate([-reader_width / 2 - 1, reader_y - reader_height / 2 - 1, coil_window])
            cube([reader_width + 2, reader_height + 2, lid_depth]);
        at_ears() translate([0, 0, -1]) cylinder(d = screw_hole, h = lid_depth + 2);
    }
    // The middle of the ring hangs on three bridges behind the lamps' gaps.
    for (a = [90, 210, 330])
        translate([0, ring_y, 0]) rotate(a) translate([ring_inside / 2 - 1, -1, 0])
            cube([(ring_outside - ring_inside) / 2 + 2, 2, 1]);
    // Where to hold the badge: a raised frame, to be found without looking.
    translate([0, reader_y - reader_height / 2, 0]) rotate([0, 180, 0]) translate([0, 0, -0.01]) difference() {
        rounded(reader_width, reader_height, 0.8, 4);
        translate([0, 2, -1]) rounded(reader_width - 4, reader_height - 4, 3, 3);
    }
    // Pin of the lid switch.
    translate([switch_x, switch_y, wall - 1]) cylinder(d = 5, h = lid_depth - wall + 7);
}

module hood() {
    difference() {
        translate([0, 0, 0]) rounded(width + 2 * hood_thickness + 1, hood_out + 20, hood_thickness, 4);
        for (x = [-1, 1]) translate([x * 30, 8, -1]) cylinder(d = 4.3, h = hood_thickness + 2);
    }
    for (x = [-1, 1])
        translate([x * (width / 2 + hood_thickness / 2 + 0.5) - hood_thickness / 2, 0, 0])
            cube([hood_thickness, hood_out + 20, 25]);
}

if (show == "base") base();
if (show == "lid") lid();
if (show == "hood") hood();
if (show == "all") {
    base();
    translate([0, 0, depth + 30]) rotate([0, 180, 0]) translate([0, 0, 0]) lid();
    translate([0, height + 5, depth]) rotate([-90, 0, 0]) hood();
}
