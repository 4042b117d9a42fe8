export {
  type Config,
  type ConfigDefinition,
  type ConfigOf,
  defineConfig,
  describeConfig,
  type Variable,
  type VariableDescription,
  type Variables,
} from "./define.ts";
export { Secret } from "./secret.ts";
export { bytes, choice, duration, flag, integer, list, ratio, secret, text, url } from "./values.ts";
