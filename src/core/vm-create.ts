import { findRecipe } from "../environments/catalog.js";
import type { Handler } from "./core.js";

export const vmCreate: Handler<"vm.create"> = async (core, input) => {
  findRecipe(input.environment);
  return core.vms.create(input);
};
