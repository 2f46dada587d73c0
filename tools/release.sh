#!/usr/bin/env bash
# A release: builds, checks what was built, tries the wheel in a clean environment, and tags the commit.
#
#   tools/release.sh           a dry run: everything but the tag
#   tools/release.sh --tag     the same, and the tag vVERSION, which is not pushed; nothing is uploaded
#   tools/release.sh --check   only whether it would be refused
#
# Refused are a dirty tree, a version that CHANGELOG.md does not date, a tag that exists, a CITATION.cff of another
# version, and no address of the repository, which the links of the README need. VENV names the environment with
# albench's extras dev and release.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:---dry-run}
python=${VENV:-.venv}/bin/python
[ -x "$python" ] || python=python3

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml | head -1)
tag="v$version"
escaped=${version//./\\.}
refused=0
refuse() {
  echo "refused: $1" >&2
  refused=1
}

[ -z "$(git status --porcelain)" ] || refuse "the tree is not clean; commit or remove what 'git status' names"
grep -qE "^## $escaped \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" CHANGELOG.md ||
  refuse "CHANGELOG.md has no heading '## $version (YEAR-MONTH-DAY)'; write what changed and the day"
[ -z "$(git tag --list "$tag")" ] || refuse "the tag $tag exists; raise the version in pyproject.toml"
grep -qE "^version: $escaped$" CITATION.cff || refuse "CITATION.cff names another version than $version"
grep -qE '^(Repository|urls = .*Repository) *= *"https://' pyproject.toml ||
  refuse "pyproject.toml has no Repository under [project.urls], which the README's links on package indexes need"

case $mode in
  --check) exit $refused ;;
  --tag) [ $refused = 0 ] || exit 1 ;;
  --dry-run) ;;
  *)
    echo "unknown option $mode; it is --check, --tag, or none for a dry run" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --outdir "$work/dist" . >"$work/build.log" 2>&1 || {
  cat "$work/build.log" >&2
  exit 1
}
"$python" -m twine check --strict "$work"/dist/*

# The wheel where nothing of the checkout is: PyTorch is linked, all else is installed anew.
"$python" -m venv "$work/clean"
"$python" tools/link_torch.py "$work/clean"
"$work/clean/bin/python" -m pip install --quiet "$work"/dist/*.whl
(
  unset PYTHONPATH
  cd "$work"
  clean/bin/python -m pip check
  clean/bin/albench list strategies >/dev/null
  clean/bin/albench reference list
  clean/bin/albench run --strategies random,min --seeds 1 --rounds 1 --set initial_iterations=20 --store runs/tried
  test -s runs/tried/report.html
)
mkdir -p dist
cp "$work"/dist/* dist/
echo "built, checked and tried: $(ls dist/*"$version"* | tr '\n' ' ')"

if [ "$mode" = --tag ]; then
  git tag --annotate "$tag" --message "albench $version"
  echo "tagged $tag; push it with 'git push origin $tag', and upload with 'twine upload dist/*$version*'"
else
  echo "a dry run: nothing is tagged"
fi
exit $refused
