export { AccountKey } from "./account-key.ts";
export { createKeyFile, type KeyFile, type KeyKind, loadKeyFile } from "./key-file.ts";
export { loadGenesis, OPERATOR_VARIABLES, PEER_NETWORKS } from "./operator-config.ts";
export { accountOfKeyFile, EncoderKeys, ValidatorKeys } from "./operator-keys.ts";
