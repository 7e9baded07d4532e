/**
 * What the stage asks of a tool. `press` to `lift` is one gesture; `drop` ends it as if it had never begun. Each tool is given the bench:
 * the board, the view, the outline and the settings.
 *
 * @typedef {object} Spot where the pointer is, and with which intention
 * @property {number} x picture pixels
 * @property {number} y
 * @property {number} sx screen pixels from the stage's corner
 * @property {number} sy
 * @property {number} pressure 0 to 1; 1 where the device knows none
 * @property {boolean} erase Alt, the right button or the other end of the pen
 * @property {boolean} shift
 *
 * @typedef {object} Bench
 * @property {import("../board.js").Board} board
 * @property {import("../view.js").View} view
 * @property {import("../outline.js").Outline} outline
 * @property {import("../settings.js").Settings} settings
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} cursor a CSS cursor
 * @property {(spot: Spot) => void} press
 * @property {(spots: Spot[]) => void} move while pressed
 * @property {(spot: Spot) => void} lift
 * @property {() => void} drop
 * @property {(spot: Spot|null) => void} hover not pressed; null: the pointer has left
 * @property {(event: KeyboardEvent) => boolean} [key] whether the tool took the key
 * @property {() => void} [redraw] the view moved
 * @property {() => void} [leave] another tool was chosen
 */

export {};
