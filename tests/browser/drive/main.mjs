// Every scenario, one after the other.

import { calls } from "./calls.mjs";
import { close, job } from "./harness.mjs";
import { keyboard } from "./keyboard.mjs";
import { key, looks } from "./looks.mjs";
import { pictures } from "./pictures.mjs";
import { views } from "./views.mjs";

for (const scenarios of [views, calls, keyboard, looks, key]) await scenarios();
if (job.pictures) await pictures(job.pictures);
await close();
