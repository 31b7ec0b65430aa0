# This block has a file of its own, since a Packer older than 1.7 has no plugins and rejects it.
packer {
  required_version = ">= 1.9"

  required_plugins {
    amazon = {
      version = ">= 1.3.0, < 2.0.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}
