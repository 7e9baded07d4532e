/** Hand: moves the view. The stage does it itself, as it does with Space and two fingers; this is its name and cursor. */

/** @implements {Tool} @typedef {import("./tool.js").Tool} Tool */
export class Hand {
  constructor() {
    this.name = "hand";
    this.cursor = "grab";
  }

  press() {}
  move() {}
  lift() {}
  drop() {}
  hover() {}
}
