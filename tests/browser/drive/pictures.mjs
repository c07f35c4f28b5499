// Pictures of the page with the plugins that come with smcp.

import path from "node:path";

import { open, scenario } from "./harness.mjs";

export async function pictures({ url, directory }) {
  for (const scheme of ["light", "dark"]) {
    await scenario(`picture, ${scheme}`, { url, scheme, width: 1320, height: 900 }, async ({ page }) => {
      await open(page, "#/tool/demo_math__format_bytes");
      await page.locator('.field[data-property="value"] input').fill("123456789");
      await page.keyboard.press("Enter");
      await page.locator(".state", { hasText: /^ok/ }).waitFor();
      await page.locator("#argv", { hasText: "123456789" }).waitFor();
      await page.screenshot({ path: path.join(directory, `page-${scheme}.png`) });
    });
  }
}
