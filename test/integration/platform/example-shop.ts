import { ok } from "@soma/base";
import { defineConfig, duration } from "@soma/config";
import { defineService, sleep } from "@soma/runtime";
import { GetPrice } from "./example-messages.ts";

export const shop = defineService()({
  name: "shop",
  config: defineConfig("shop", { drain: { is: duration(), default: "0s", doc: "How long draining takes." } }),
  async open({ bus, config, fail }) {
    await bus.respond(GetPrice, {}, ({ dish }) => {
      if (dish === "poison") fail(new Error("the shop is on fire"));
      return ok({ cents: 450 });
    });
    return { drain: () => sleep(config.drain) };
  },
});
