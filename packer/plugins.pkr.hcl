# In a file of its own: older Packers know no plugins and reject the block.
packer {
  required_version = ">= 1.9"

  required_plugins {
    amazon = {
      version = ">= 1.3.0, < 2.0.0"
      source  = "github.com/hashicorp/amazon"
    }
  }
}
