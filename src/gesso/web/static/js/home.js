// The sample of the first page.

import { Compare } from "./compare.js";

for (const sample of document.querySelectorAll("g-compare[data-before]")) {
  if (!(sample instanceof Compare)) continue;
  sample.show({
    before: sample.dataset.before || "",
    after: sample.dataset.after || "",
    margins: { left: 0, top: 0, right: 0, bottom: 0 },
    beforeAlt: "A rowing boat on a beach",
    afterAlt: "The same beach without the boat",
  });
}
