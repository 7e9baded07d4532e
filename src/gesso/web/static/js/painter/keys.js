/** The keys of the painter, as data: what they do and what the help dialog says of them. */

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{keys: string[], shown: string, label: string, run?: (desk: Desk, event: KeyboardEvent) => void, ctrl?: boolean}} Key */

/** @type {[string, Key[]][]} */
export const KEYS = [
  [
    "Tools",
    [
      { keys: ["b"], shown: "B", label: "Brush", run: (desk) => desk.choose("brush") },
      { keys: ["e"], shown: "E", label: "Eraser", run: (desk) => desk.choose("eraser") },
      { keys: ["l"], shown: "L", label: "Lasso and polygon", run: (desk) => desk.choose("lasso") },
      { keys: ["r"], shown: "R", label: "Rectangle", run: (desk) => desk.choose("rectangle") },
      { keys: ["x"], shown: "X", label: "Extend the picture", run: (desk) => desk.choose("extend") },
      { keys: ["h"], shown: "H", label: "Hand", run: (desk) => desk.choose("hand") },
      { keys: ["[", "{"], shown: "[", label: "Smaller (Shift: by one pixel)", run: (desk, event) => desk.resizeBrush(-1, event.shiftKey) },
      { keys: ["]", "}"], shown: "]", label: "Larger (Shift: by one pixel)", run: (desk, event) => desk.resizeBrush(1, event.shiftKey) },
    ],
  ],
  [
    "While painting",
    [
      { keys: [], shown: "Alt", label: "Erase, or take away with lasso and rectangle; so does the right button" },
      { keys: [], shown: "Shift", label: "Straight line from the last stroke, square, steps of 45°" },
      { keys: [], shown: "Space", label: "Hold to move the picture" },
      { keys: [], shown: "\\", label: "Hold to see the original" },
      { keys: [], shown: "Enter", label: "Close the polygon; Backspace drops a point, Esc all" },
    ],
  ],
  [
    "Mask",
    [
      { keys: ["z"], ctrl: true, shown: "Ctrl Z", label: "Undo", run: (desk, event) => (event.shiftKey ? desk.redo() : desk.undo()) },
      { keys: ["y"], ctrl: true, shown: "Ctrl Shift Z", label: "Redo, also Ctrl Y", run: (desk) => desk.redo() },
      { keys: ["i"], shown: "I", label: "Invert", run: (desk) => desk.invert() },
      { keys: ["delete"], shown: "Delete", label: "Clear", run: (desk) => desk.fill(0) },
      { keys: ["m"], shown: "M", label: "Hide or show", run: (desk) => desk.hideMask(!desk.isMaskHidden) },
    ],
  ],
  [
    "View",
    [
      { keys: ["+", "="], shown: "+", label: "Closer, also Ctrl and the wheel", run: (desk) => desk.zoomBy(1.25) },
      { keys: ["-", "_"], shown: "−", label: "Further away", run: (desk) => desk.zoomBy(0.8) },
      { keys: ["0"], shown: "0", label: "All of the picture", run: (desk) => desk.fit() },
      { keys: ["1"], shown: "1", label: "100 %", run: (desk) => desk.zoomTo(1) },
      { keys: ["?"], shown: "?", label: "These keys", run: (desk) => desk.help() },
      { keys: [], shown: "Ctrl Enter", label: "Run, from anywhere on the page" },
    ],
  ],
];

/** @type {Map<string, Key>} */
const BY_KEY = new Map(KEYS.flatMap(([, keys]) => keys).flatMap((key) => key.keys.map((name) => [(key.ctrl ? "ctrl " : "") + name, key])));

/**
 * Does what the key says. `event.key` and not `event.code` is asked, so that it is the letter on every layout; brackets need AltGr on some.
 * @param {Desk} desk @param {KeyboardEvent} event @returns {boolean} whether it was one of ours
 */
export function pressKey(desk, event) {
  const typed = event.getModifierState("AltGraph");
  const ctrl = (event.ctrlKey || event.metaKey) && !typed;
  if (event.altKey && !typed) return false;
  const key = BY_KEY.get((ctrl ? "ctrl " : "") + event.key.toLowerCase());
  if (!key?.run) return false;
  key.run(desk, event);
  return true;
}

/** Whether keys belong to what has the focus: one types there. @param {EventTarget|null} target */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, dialog *, input:not([type=range], [type=checkbox], [type=radio])"));
