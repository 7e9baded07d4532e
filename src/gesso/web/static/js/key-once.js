// The page that shows a key answers a form. Loading it again would send the form again, so its address becomes the project's.

import { one } from "./dom.js";

history.replaceState(null, "", one("[data-once]").dataset.once);
