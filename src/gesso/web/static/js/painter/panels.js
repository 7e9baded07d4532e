/** What opens over the painter: "More", the numbers and the list of keys. One module, because it is fetched only when one of them is opened. */

import { helpDialog } from "./help.js";
import { More } from "./more.js";
import { Numbers } from "./numbers.js";

/** @typedef {{more: More, numbers: Numbers, help: HTMLDialogElement}} Panels */

/** @param {import("./desk.js").Desk} desk @param {import("./more.js").Actions} actions @returns {Panels} */
export const makePanels = (desk, actions) => ({ more: new More(desk, actions), numbers: new Numbers(desk), help: helpDialog() });
