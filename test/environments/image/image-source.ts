import { buildFromImage } from "../../../src/environments/image/build.js";
import { FakeSource } from "../fake-source.js";

/** The kernels and the Debian environments are fakes; images are really built. */
export class ImageSource extends FakeSource {
  override build(...[recipe, directory, options]: Parameters<FakeSource["build"]>) {
    return recipe.kind === "debian"
      ? super.build(recipe, directory, options)
      : buildFromImage(recipe, directory, options);
  }
}
